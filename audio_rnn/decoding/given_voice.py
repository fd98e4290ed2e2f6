"""A piece whose first voice is given: the others are to be drawn around it."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from audio_rnn.midi.follow import HEAD
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.symbols import FIRST, KIND, SIZE, Kind, identify, ids_of

OPEN = (Kind.AT, Kind.BAR, Kind.END)  # where other voices may say something first
DONE = (Kind.END, Kind.BAR, *HEAD, Kind.LENGTH)  # what is whole when it was read
CHORD = (Kind.VELOCITY, Kind.PITCH, Kind.HOLD, Kind.LENGTH)
OTHERS = np.isin(KIND, (Kind.VOICE, Kind.PROGRAM, Kind.AT, *CHORD))
OTHERS_BEFORE_VOICE = OTHERS & ~np.isin(KIND, CHORD)  # the first voice has the first word


class GivenVoice:
    """A constraint of sampling: the symbols of the given voice, and between them those of others.

    Without what the others say, the symbols are the given ones. At least one other voice is
    declared; what may be said at its places is what the grammar allows.
    """

    def __init__(self, given: Sequence[int], grammar: Grammar) -> None:
        """given: symbols of a whole piece of one voice, of as many bars as the grammar wants."""
        self.given = [*given, identify(Kind.END)]
        self.place = 0  # in `given`
        self.grammar = grammar

    @property
    def milestone(self) -> int:
        """Bars begun: how far this one is, beside others that say more or less in a bar."""
        return self.grammar.state["bar"]

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        following = self.given[self.place]
        state = self.grammar.state
        forced = KIND[following] not in OPEN
        mask = np.zeros(SIZE, bool) if forced or not state["bar"] else self._others(following)
        if forced or state.last in DONE or (state.last is Kind.PROGRAM and state["voices"] > 1):
            mask[following] = True
        return mask

    def take(self, symbol: int) -> None:
        """Go on by an allowed symbol."""
        self.place += symbol == self.given[self.place]
        self.grammar.take(symbol)

    def copy(self) -> GivenVoice:
        """One that goes on from here by itself."""
        other = copy.copy(self)
        other.grammar = self.grammar.copy()
        return other

    def _others(self, following: int) -> np.ndarray:
        """What the voices that are not given may say before the next of the given symbols."""
        state, mask = self.grammar.state, self.grammar.allowed()
        mask &= OTHERS if state["voice"] else OTHERS_BEFORE_VOICE
        positions = mask[ids_of(Kind.AT)]
        positions[: self._free_from()] = False
        if KIND[following] == Kind.AT:
            positions[following - FIRST[Kind.AT] :] = False
        return mask

    def _free_from(self) -> int:
        """The first position of this bar at which another voice has a pitch that it may begin."""
        state = self.grammar.state
        free = self.grammar.free_from(range(1, state["voices"]))
        return int(np.clip(free - state["start"], 0, len(KIND)))
