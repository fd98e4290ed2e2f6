"""A long signal, met block by block, as padded pieces whose frames are those of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from audio_rnn.features.spectral import FRAMES_PER_BLOCK, LogMel


def log_mel_blocks(log_mel: LogMel, blocks: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Blocks (samples,) float32 of any sizes -> log-mel frames (frames, n_mels), without top_db."""
    size = FRAMES_PER_BLOCK * log_mel.hop_length
    reserve = 2 * log_mel.fft_length  # what an edge is made from
    rest: Tensor | None = None
    samples = emitted = 0
    for chunk, is_last in _rechunked(blocks, size, reserve):
        signal = torch.from_numpy(chunk).to(log_mel.window)[None]
        length = torch.tensor([len(chunk)], device=signal.device)
        samples += len(chunk)
        rest = torch.cat([log_mel.start_of(signal, length) if rest is None else rest, signal], 1)
        count = (rest.shape[1] - log_mel.span) // log_mel.hop_length + 1
        if is_last:
            rest = torch.cat([rest, log_mel.end_of(signal, length)], 1)
            count = int(log_mel.frame_counts(torch.tensor(samples))) - emitted
        yield log_mel.spectrum(rest, count)[0]
        rest = rest[:, count * log_mel.hop_length :]
        emitted += count


def _rechunked(
    blocks: Iterable[np.ndarray], size: int, reserve: int
) -> Iterator[tuple[np.ndarray, bool]]:
    """Chunks of `size` samples; the last, marked, has up to `size + reserve` and at least
    `reserve` unless it is the only one. They depend on the signal alone, not on its blocks."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        for start in range(0, len(block), size):
            held.append(block[start : start + size])
            count += len(held[-1])
            if count >= size + reserve:
                joined = np.concatenate(held)
                yield joined[:size], False
                held, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(held), True
