"""Waveforms: one channel of several, another rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr


def mono(block: np.ndarray, channel: int | None) -> np.ndarray:
    """(frames, channels) -> (frames,): one channel, or the mean of all when None."""
    return block.mean(axis=1) if channel is None else block[:, channel]


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """(samples,) at one rate -> (samples,) float32 at another, by soxr at its high quality."""
    return soxr.resample(waveform.astype(np.float32, copy=False), from_rate, to_rate)


def resample_blocks(
    blocks: Iterable[np.ndarray], from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Blocks at another rate; where the blocks end does not change a sample."""
    if from_rate == to_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)
