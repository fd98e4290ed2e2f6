"""Short sounds somewhere in long noise, and one that hides in a hum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy.signal import butter, chirp, iirpeak, lfilter, sosfilt

from benchmarks._own_sounds.clips import Clip, each, in_noise, partials
from benchmarks._own_sounds.instruments import struck
from recipes.audio_tagging.synthesis import RATE, Draw, Samples
from recipes.noise import coloured


def machines(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """A hum, with or without a rattle that is softer than it."""
    for label, split in each(("healthy", "rattling")):
        hum = partials(5 * RATE, draw.uniform(48, 62), 1.0, 8, draw)
        clicks = draw.standard_normal(5 * RATE) * (
            draw.uniform(size=5 * RATE) < draw.uniform(10, 25) / RATE
        )
        rattle = lfilter(*iirpeak(draw.uniform(2000, 4000), 6, fs=RATE), clicks)
        share = 0.3 * (label == "rattling")
        yield Clip(
            label, split, in_noise(hum / hum.std() + share * rattle / rattle.std(), 12, draw)
        )


def hidden_hits(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """A short hit of one of three kinds, or none, anywhere in ten seconds of noise."""
    for label, split in each((*HITS, "nothing")):
        noise = coloured(10 * RATE, draw.uniform(0, 1.5), draw)
        scene = noise / noise.std()
        if label != "nothing":
            hit = HITS[label](round(0.3 * RATE), draw)
            first = int(draw.integers(len(scene) - len(hit)))
            scene[first : first + len(hit)] += draw.uniform(5, 10) * hit / np.abs(hit).max()
        yield Clip(label, split, scene)


def birds(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Four contours of calls, one to three of them in noise as loud as they."""
    for label, split in each(CONTOURS):
        scene = np.zeros(4 * RATE)
        for place in range(int(draw.integers(1, 4))):
            call = _call(CONTOURS[label], draw)
            first = round((place * 1.3 + draw.uniform(0, 0.6)) * RATE)
            scene[first : first + len(call)] += call[: len(scene) - first]
        noise = coloured(len(scene), 1.0, draw)
        yield Clip(label, split, scene + draw.uniform(0.5, 1) * noise / noise.std())


def _thump(samples: int, draw: Draw) -> Samples:
    times = np.arange(samples) / RATE
    return np.exp(-times * 15) * chirp(times, draw.uniform(150, 250), 0.3, 50)


def _clap(samples: int, draw: Draw) -> Samples:
    times = np.arange(samples) / RATE
    band = butter(2, [800, 3000], "bandpass", fs=RATE, output="sos")
    return np.exp(-times * 20) * sosfilt(band, draw.standard_normal(samples))


def _ping(samples: int, draw: Draw) -> Samples:
    return struck(samples, draw.uniform(900, 1600), draw)


HITS: Mapping[str, Callable[[int, Draw], Samples]] = {"thump": _thump, "clap": _clap, "ping": _ping}


CONTOURS: Mapping[str, tuple[float, ...]] = {  # of pitch, over a call
    "rising": (0.8, 1.25), "falling": (1.25, 0.8), "arched": (0.8, 1.25, 0.8),
    "trilling": (0.9, 1.1) * 5,
}  # fmt: skip


def _call(contour: tuple[float, ...], draw: Draw) -> Samples:
    samples = round(draw.uniform(0.25, 0.5) * RATE)
    pitch = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, len(contour)), contour)
    phase = 2 * np.pi * np.cumsum(draw.uniform(2500, 4500) * pitch) / RATE
    return np.sqrt(2) * np.sin(phase) * np.hanning(samples) ** 0.3
