"""What has been read of a piece, for people: its numbers by name."""

from __future__ import annotations

import numpy as np

from audio_rnn.midi.follow import follow_first, nothing_read
from audio_rnn.midi.symbols import KIND, Kind

KINDS = [Kind(int(kind)) for kind in KIND]  # of each symbol


class PieceState:
    """Follows the symbols of a piece; its size does not grow with them."""

    def __init__(self, states: np.ndarray | None = None) -> None:
        """states: (1,) STATE to go on from; None for the beginning of a piece."""
        self.states = nothing_read() if states is None else states
        self.record = self.states[0]  # the same memory

    def copy(self) -> PieceState:
        """One that reads on from here by itself."""
        return PieceState(self.states.copy())

    def take(self, symbol: int) -> None:
        """Go on by a symbol that is known to be allowed."""
        follow_first(symbol, self.states)

    def __getitem__(self, name: str) -> int:
        """A number of the STATE."""
        return int(self.record[name])

    @property
    def last(self) -> Kind:
        """The kind of what was read last."""
        return Kind(self["last"])

    @property
    def chord(self) -> list[int]:
        """The pitches that have no length yet, or just got it."""
        return np.flatnonzero(self.record["chord"]).tolist()

    @property
    def velocity(self) -> int:
        """The index of the voice's velocity."""
        return int(self.record["velocities"][self["voice"]])
