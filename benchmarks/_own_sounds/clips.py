"""Clips of a task, and what tasks make them of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recipes.audio_tagging.synthesis import RATE, Draw, Samples
from recipes.noise import coloured

TRAIN, TEST = 20, 12  # clips a class


class Clip(NamedTuple):
    """Sound for one file."""

    label: str
    split: str
    waveform: Samples
    sample_rate: int = RATE
    suffix: str = ".flac"


Task = Callable[[Path, Draw], Iterator[Clip]]  # from the folder of corpora


def each(labels: Mapping[str, object] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Label and split of every clip."""
    for split, count in (("train", TRAIN), ("test", TEST)):
        for label in labels:
            yield from [(label, split)] * count


def in_noise(sound: Samples, snr_db: float, draw: Draw) -> Samples:
    """The sound over noise of any colour, so many dB softer."""
    noise = coloured(len(sound), draw.uniform(0, 2), draw)
    return sound / sound.std() + 10 ** (-snr_db / 20) * noise / noise.std()


def partials(
    samples: int, pitch: float, slope: float, count: int, draw: Draw, step: int = 1
) -> Samples:
    """Every `step`-th of the harmonics of a pitch; the power of the n-th falls with n ** (2 slope)."""
    times = np.arange(samples) / RATE
    numbers = [n for n in range(1, count * step, step) if n * pitch < RATE / 2]
    phases = draw.uniform(0, 2 * np.pi, len(numbers))
    return np.sum(
        [np.sin(2 * np.pi * n * pitch * times + p) / n**slope for n, p in zip(numbers, phases)], 0
    )
