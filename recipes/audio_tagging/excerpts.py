"""Random parts of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audio_rnn.audio import audio_info, read_excerpt
from recipes.audio_tagging.sounding import Waveform

Part = tuple[float, float]  # of a recording, from where to where, as shares of it
WHOLE: Part = (0.0, 1.0)
SEAM_SECONDS = 0.5  # in which one recording fades into the next


def excerpt(
    path: Path, seconds: float, sample_rate: int, draw: np.random.Generator, part: Part = WHOLE
) -> Waveform:
    """`seconds` from a random place within `part` of a recording; a short one is repeated.

    Raises: AudioError.
    """
    return np.resize(_at_most(path, seconds, sample_rate, draw, part), round(seconds * sample_rate))


def joined(
    paths: Sequence[Path], samples: int, sample_rate: int, draw: np.random.Generator
) -> Waveform:
    """A random part of a recording drawn from `paths`; behind a short one comes that of another draw, at
    the same level, until they are long enough. Raises: AudioError.
    """
    whole, end = np.zeros(samples, np.float32), 0
    while end < samples:
        path = paths[int(draw.integers(len(paths)))]
        part = _at_most(path, samples / sample_rate, sample_rate, draw)
        part = part / float(np.sqrt(np.mean(np.square(part, dtype=np.float64))) + 1e-12)
        seam = min(round(SEAM_SECONDS * sample_rate), len(part) // 2, end)
        ramp = np.linspace(0, np.pi / 2, seam, endpoint=False)
        start = end - seam
        part[:seam] *= np.sin(ramp)
        whole[start:end] *= np.cos(ramp)
        end = min(start + len(part), samples)
        whole[start:end] += part[: end - start]
    return whole


def _at_most(
    path: Path, seconds: float, sample_rate: int, draw: np.random.Generator, part: Part = WHOLE
) -> Waveform:
    duration = audio_info(path).duration
    first, end = part[0] * duration, part[1] * duration
    start = draw.uniform(first, max(first, end - seconds))
    return read_excerpt(path, sample_rate, start, min(seconds, end - start))
