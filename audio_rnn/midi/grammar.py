"""Which symbols may follow: an automaton that reads a piece and masks what would not be one."""

from __future__ import annotations

import copy

import numpy as np

from audio_rnn.errors import MusicError
from audio_rnn.midi.allowed import allow_all
from audio_rnn.midi.rules import free_from, rules_of
from audio_rnn.midi.state import PieceState
from audio_rnn.midi.symbols import KIND, SIZE, Kind, event_vocabulary


class Grammar:
    """Reads symbols one by one. Whatever keeps to `allowed` is what `encode` writes of some piece:

    bars add up, positions go forwards, no pitch begins while it sounds in its voice, every note
    ends before the piece does, nothing is said twice.
    """

    def __init__(
        self,
        usable: np.ndarray | None = None,
        bars: float | None = None,
        end: int | None = None,
    ) -> None:
        """
        Args:
            usable: (symbols,) bool, those that may be used at all; None for all of them.
            bars: how many the piece has; infinity for one that never ends; None for any.
            end: step at which its last bar ends, where it is known beforehand.
        """
        self.bars = bars
        self.rules = rules_of(np.ones(SIZE, bool) if usable is None else usable, bars, end)
        self.state = PieceState()

    def copy(self) -> Grammar:
        """One that reads on from here by itself."""
        other = copy.copy(self)
        other.state = self.state.copy()
        return other

    def read(self, symbol: int) -> None:
        """Go on by one symbol. Raises: MusicError for one that may not stand here."""
        self.check(symbol)
        self.take(symbol)

    def check(self, symbol: int) -> None:
        """Raises: MusicError for a symbol that may not stand here."""
        if not self.allowed()[symbol]:
            name = event_vocabulary().symbols[symbol]
            raise MusicError(
                f"found symbol {name!r} in bar {self.state['bar']} after {self.state.last.name.lower()}, "
                f"where it may not stand; expected one of {self._expected()}"
            )

    def take(self, symbol: int) -> None:
        """Go on by a symbol that is known to be allowed."""
        self.state.take(symbol)

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        return allow_all(self.state.states, self.rules)[0]

    def free_from(self, voices: range) -> int:
        """The first step at which one of the voices has a pitch that it may begin."""
        return int(free_from(self.state.states, self.rules, voices.start, voices.stop))

    def _expected(self) -> str:
        kinds = dict.fromkeys(Kind(int(k)).name.lower() for k in KIND[self.allowed()])
        return ", ".join(kinds) or "none"
