"""Pieces that are in part known from training: those that share their tune with one of its pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from audio_rnn.data.rolls import KEYS, Roll

Passage = tuple[int, ...]  # intervals from frame to frame


def shares_tune(pieces: Mapping[str, Roll], train: Iterable[Roll], frames: int) -> set[str]:
    """Names of pieces whose top voice has so many frames in a row as some piece of `train` has them,
    in any key and anywhere; frames that all hold one note do not count."""
    known = {passage for roll in train for passage in passages(roll, frames)}
    return {name for name, roll in pieces.items() if not known.isdisjoint(passages(roll, frames))}


def passages(roll: Roll, frames: int) -> Iterator[Passage]:
    """All passages of the top voice."""
    moves = np.diff(tune(roll))
    for start in range(len(moves) - frames + 2):
        passage = tuple(moves[start : start + frames - 1].tolist())
        if any(passage):
            yield passage


def tune(roll: Roll) -> NDArray[np.int64]:
    """(frames,): the key of the first of several voices, the highest key of one, -1 for silence."""
    top = roll[:, 0]
    return np.where(top.any(axis=1), KEYS - 1 - top[:, ::-1].argmax(axis=1), -1)
