"""A speech model over a recording of any length, exactly as in one pass, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from audio_rnn.audio import Source
from audio_rnn.inference.reading import Reading
from audio_rnn.models.speech import SpeechModel
from audio_rnn.models.sweep import sweep
from audio_rnn.spill import Spill


def log_probs_of(
    model: SpeechModel, source: Source, channel: int | None = None
) -> NDArray[np.float32]:
    """Log-probabilities of a whole file: (steps, symbols), the only thing held in memory.

    Raises: AudioError, StorageError when the disk is full.
    """
    reading = Reading(model.features, source, channel)
    return gathered(log_prob_pieces(model, reading), len(model.vocabulary))


def gathered(pieces: Iterable[NDArray[np.float32]], symbols: int) -> NDArray[np.float32]:
    """Pieces (steps, symbols) as one array; on the way they lie on disk.

    In memory each would lie in a hole that the network's larger arrays have left, and the next of
    those would need new memory: 0.2 GB an hour. Raises StorageError when the disk is full.
    """
    with Spill(symbols) as held:
        for piece in pieces:
            held.append(piece)
        return held.read(0, len(held))


def log_prob_pieces(
    model: SpeechModel, static_frames: Iterable[Tensor]
) -> Iterator[NDArray[np.float32]]:
    """Static frames of one recording in pieces, such as a `Reading` -> pieces (steps, symbols).

    Raises: StorageError when the disk is full.
    """
    for piece in sweep(model.acoustic, model.features.finish_pieces(static_frames)):
        yield piece.cpu().numpy()
