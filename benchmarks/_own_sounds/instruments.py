"""Timbres, made of sines and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from benchmarks._own_sounds.clips import Clip, each, in_noise, partials
from recipes.audio_tagging.synthesis import RATE, Draw, Samples


def instruments(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Six timbres at any pitch, over soft noise."""
    for label, split in each(TIMBRES):
        sound = TIMBRES[label](
            round(draw.uniform(0.8, 3) * RATE), 110 * 2 ** draw.uniform(0, 3), draw
        )
        yield Clip(label, split, in_noise(sound, draw.uniform(10, 30), draw))


def _plucked(samples: int, pitch: float, draw: Draw) -> Samples:
    period = round(RATE / pitch)
    burst = np.zeros(samples)
    burst[:period] = draw.standard_normal(period)
    comb = np.zeros(period + 2)
    comb[0], comb[period], comb[period + 1] = 1, -0.498, -0.498
    return lfilter([1.0], comb, burst)


def struck(samples: int, pitch: float, draw: Draw) -> Samples:
    """A bar: partials that are no harmonics, the high ones gone first."""
    times = np.arange(samples) / RATE
    ratios = [r for r in (1, 2.76, 5.4, 8.93) if r * pitch < RATE / 2]
    return np.sum(
        [np.exp(-times * 4 * r) * np.sin(2 * np.pi * r * pitch * times) for r in ratios], 0
    )


def _swelling(samples: int, sound: Samples) -> Samples:
    return sound * np.minimum(
        1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.08 * RATE)
    )


def _blown(samples: int, pitch: float, draw: Draw) -> Samples:
    breath = sosfilt(
        butter(2, [pitch, min(4 * pitch, 7000)], "bandpass", fs=RATE, output="sos"),
        draw.standard_normal(samples),
    )
    return _swelling(samples, partials(samples, pitch, 2.2, 5, draw) + 0.25 * breath)


def _reed(samples: int, pitch: float, draw: Draw) -> Samples:
    return _swelling(samples, partials(samples, pitch, 0.9, 10, draw, step=2))


def _bowed(samples: int, pitch: float, draw: Draw) -> Samples:
    waver = 1 + 0.3 * np.sin(2 * np.pi * 6 * np.arange(samples) / RATE + draw.uniform(0, 6))
    return _swelling(samples, waver * partials(samples, pitch, 1.0, 16, draw))


def _organ(samples: int, pitch: float, draw: Draw) -> Samples:
    pipes = [partials(samples, pitch * n, 3.0, 2, draw) for n in (1, 2, 4)]
    return _swelling(samples, np.sum(pipes, 0))


TIMBRES: Mapping[str, Callable[[int, float, Draw], Samples]] = {
    "plucked": _plucked, "struck": struck, "blown": _blown, "reed": _reed, "bowed": _bowed,
    "organ": _organ,
}  # fmt: skip
