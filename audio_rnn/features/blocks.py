"""A long signal, read block by block: frames in pieces, never held as a whole in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from audio_rnn.device import sent
from audio_rnn.features.spectral import FRAMES_PER_BLOCK, LogMel
from audio_rnn.features.stages import run
from audio_rnn.features.stream import LogMelStream
from audio_rnn.features.temporal import Moments
from audio_rnn.spill import Spill


def log_mel_pieces(log_mel: LogMel, blocks: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Blocks (samples,) float32 of any sizes -> log-mel frames (frames, n_mels), `top_db` included.

    Its values do not depend on how the signal was cut. With `top_db` the frames go over the disk.
    """
    empty = log_mel.window.new_zeros(0)
    size = FRAMES_PER_BLOCK * log_mel.hop_length
    chunks = (sent(torch.from_numpy(chunk), empty.device) for chunk in _rechunked(blocks, size))
    pieces = run(LogMelStream(log_mel), chunks, empty)
    return pieces if log_mel.config.top_db is None else _floored(log_mel, pieces)


def _floored(log_mel: LogMel, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    loudest = torch.full((), -torch.inf, device=log_mel.window.device)
    with Spill(log_mel.config.n_mels) as held:
        for piece in pieces:
            held.append(piece.cpu().numpy())
            loudest = torch.cat([loudest[None], piece.flatten()]).max()
        for rows in held.pieces(FRAMES_PER_BLOCK):
            yield log_mel.floor(torch.from_numpy(rows).to(loudest), loudest)


def normalized_by_utterance(pieces: Iterable[Tensor], dim: int) -> Iterator[Tensor]:
    """Normalization "utterance" in two passes: pieces (frames, dim) -> the same, normalised."""
    moments = Moments(dim)
    with Spill(dim) as held:
        device = torch.device("cpu")
        for piece in pieces:
            held.append(piece.cpu().numpy())
            moments.add(piece)
            device = piece.device
        mean, deviation = (value.to(device) for value in moments.mean_and_deviation())
        for rows in held.pieces(FRAMES_PER_BLOCK):
            yield (torch.from_numpy(rows).to(device) - mean) / deviation


def _rechunked(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Chunks of `size` samples, the last shorter: they depend on the signal, not on its blocks."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        for start in range(0, len(block), size):
            held.append(block[start : start + size])
            count += len(held[-1])
            if count >= size:
                joined = np.concatenate(held)
                yield joined[:size]
                held, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(held)
