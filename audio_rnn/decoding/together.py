"""Planned pieces side by side: their masks, and what they read, in compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio_rnn.decoding.planned import Planned
from audio_rnn.decoding.wishes import allow_wished
from audio_rnn.midi.follow import follow_all


class Together:
    """Several pieces that go on from where they are, each by itself."""

    def __init__(self, pieces: Sequence[Planned]) -> None:
        """pieces: they stay as they are."""
        self.states = _joined([piece.grammar.state.states for piece in pieces])
        self.rules = _joined([piece.grammar.rules for piece in pieces])
        self.wishes = _joined([piece.wishes for piece in pieces])

    def allowed(self) -> np.ndarray:
        """(pieces, symbols) bool: what may come next."""
        return allow_wished(self.states, self.rules, self.wishes)

    def take(self, symbols: np.ndarray) -> None:
        """Go on by an allowed symbol each, symbols (pieces,)."""
        follow_all(symbols, self.states)

    def keep(self, some: np.ndarray) -> None:
        """Leave out all pieces but some (pieces,) bool."""
        self.states, self.rules = self.states[some], self.rules[some]
        self.wishes = self.wishes[some]


def _joined(records: list[np.ndarray]) -> np.ndarray:
    """One array of records of one kind; joined as bytes, since numpy compares fields for long."""
    return np.concatenate([record.view(np.uint8) for record in records]).view(records[0].dtype)
