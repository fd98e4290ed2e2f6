"""A piece of music to be drawn: its grammar, and what was asked of it."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.usable import check_known, find_usable
from audio_rnn.decoding.wishes import BEYOND, RAMPS, allow_wished, wishes_of
from audio_rnn.errors import MusicError
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.home import STAY, Home
from audio_rnn.midi.piece import Key
from audio_rnn.midi.symbols import (
    BARS,
    KEYS,
    METERS,
    REGISTERS,
    TEMPOS,
    Kind,
    ids_of,
)
from audio_rnn.midi.tidy import nearest


class Planned:
    """A constraint of sampling: allows what the grammar allows and the plan wants.

    What is planned is written as soon as it may stand, and nothing else of its kind ever. Symbols are
    those of the piece at home, a plan is for where it will stand.
    """

    def __init__(
        self,
        plan: Plan,
        known: np.ndarray | None = None,
        key: Key | None = None,
        home: Home = STAY,
        told: np.ndarray | None = None,
        first_register: float | None = None,
    ) -> None:
        """
        Args:
            known: (symbols,) bool, those that the model was trained on; None for all.
            key: that of a primer, for the scale of a plan without key.
            home: the way from home to where the piece will stand.
            told: (symbols,) how often each density and register stands in the training set; None
                for each as often.
            first_register: that of the beginning where none is planned, from 0 to 1.

        Raises: MusicError for a plan of symbols that are not known, or no pitch that may sound.
        """
        usable = find_usable(plan, known, key, home)
        fixed = _fixed(plan, home)
        for kind, index in fixed.items():
            check_known(usable, kind, index, home, key)
        if plan.bars is not None and Kind.BARS not in fixed:
            usable[ids_of(Kind.BARS)] = False
        shares = {kind: _shares(kind, usable, home, told) for kind in RAMPS}
        self.wishes = wishes_of(plan, fixed, shares, first_register)
        self.grammar = Grammar(usable, plan.bars)

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        return allow_wished(self.grammar.state.states, self.grammar.rules, self.wishes)[0]

    def take(self, symbol: int) -> None:
        """Go on by an allowed symbol."""
        self.grammar.take(symbol)

    def copy(self) -> Planned:
        """One that goes on from here by itself."""
        other = copy.copy(self)
        other.grammar = self.grammar.copy()
        return other


def _shares(kind: Kind, usable: np.ndarray, home: Home, told: np.ndarray | None) -> np.ndarray:
    """(places of a kind,) the share of what was told that lies at or below each; the last is BEYOND."""
    known = usable[ids_of(kind)]
    often = known if told is None else told[ids_of(kind)]
    if kind is Kind.REGISTER:
        often = np.roll(often, -round(home.semitones / REGISTERS.step))
    shares = np.cumsum(often * known if (often * known).any() else known, dtype=np.float64)
    shares /= shares[-1]
    shares[shares == 1] = BEYOND  # whatever is asked lies below
    return shares


def _fixed(plan: Plan, home: Home) -> dict[Kind, int]:
    """Index of each symbol that holds for the whole piece."""
    fixed = {}
    if plan.meter is not None:
        if plan.meter not in METERS:
            raise MusicError(
                f"meter: found {plan.meter[0]}/{plan.meter[1]}, expected such as 3/4, 6/8"
            )
        fixed[Kind.METER] = METERS.index(plan.meter)
    if plan.key is not None:
        fixed[Kind.KEY] = KEYS.index(replace(home.bring_key(plan.key), start=0))
    if plan.tempo is not None:
        fixed[Kind.TEMPO] = TEMPOS.index(nearest(TEMPOS, plan.tempo))
    if plan.bars is not None and plan.bars in BARS:
        fixed[Kind.BARS] = BARS.index(int(plan.bars))
    return fixed
