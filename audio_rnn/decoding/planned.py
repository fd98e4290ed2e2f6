"""A piece of music to be drawn: its grammar, and what was asked of it."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.usable import check_known, find_usable
from audio_rnn.errors import MusicError
from audio_rnn.midi.controls import SPAN
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.home import STAY, Home
from audio_rnn.midi.piece import Key
from audio_rnn.midi.symbols import (
    BARS,
    FIRST,
    KEYS,
    METERS,
    REGISTERS,
    TEMPOS,
    Kind,
    ids_of,
)
from audio_rnn.midi.tidy import nearest

COMMON = (0.02, 0.98)  # levels; what is beyond them a model has hardly seen


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
        self.plan = plan
        usable = find_usable(plan, known, key, home)
        self.fixed = _fixed(plan, home)
        for kind, index in self.fixed.items():
            check_known(usable, kind, index, home, key)
        if plan.bars is not None and Kind.BARS not in self.fixed:
            usable[ids_of(Kind.BARS)] = False
        ramps = {Kind.DENSITY: plan.density, Kind.REGISTER: plan.register}
        self.shares = {kind: _shares(kind, usable, home, told) for kind in ramps}
        self.ramps = {kind: ramp for kind, ramp in ramps.items() if ramp is not None}
        self.first_register = None if Kind.REGISTER in self.ramps else first_register
        self.grammar = Grammar(usable, plan.bars)

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        mask = self.grammar.allowed()
        for kind, index in (self.fixed | self._varying()).items():
            part = mask[ids_of(kind)]
            wanted = part[index]
            part[:] = False
            if wanted:
                mask[:] = False
                mask[FIRST[kind] + index] = True
                return mask
        return mask

    def take(self, symbol: int) -> None:
        """Go on by an allowed symbol."""
        self.grammar.take(symbol)

    def copy(self) -> Planned:
        """One that goes on from here by itself."""
        other = copy.copy(self)
        other.grammar = self.grammar.copy()
        return other

    def _varying(self) -> dict[Kind, int]:
        """Density and register of the bar that begins; they change with every fourth one."""
        number = self.grammar.state.bar
        bar = max(number - 1, 0) // SPAN * SPAN
        levels = {kind: _level(ramp, bar, self.plan.bars) for kind, ramp in self.ramps.items()}
        if number <= 1 and self.first_register is not None:
            levels[Kind.REGISTER] = self.first_register
        return {
            kind: int(np.searchsorted(self.shares[kind], np.clip(level, *COMMON), side="right"))
            for kind, level in levels.items()
        }


def _shares(kind: Kind, usable: np.ndarray, home: Home, told: np.ndarray | None) -> np.ndarray:
    """(places of a kind,) the share of what was told that lies at or below each; the last is 2."""
    known = usable[ids_of(kind)]
    often = known if told is None else told[ids_of(kind)]
    if kind is Kind.REGISTER:
        often = np.roll(often, -round(home.semitones / REGISTERS.step))
    shares = np.cumsum(often * known if (often * known).any() else known, dtype=np.float64)
    shares /= shares[-1]
    shares[shares == 1] = 2  # whatever is asked lies below
    return shares


def _level(ramp: tuple[float, float], bar: int, bars: float | None) -> float:
    spans = (min(bars, 1e9) - 1) // SPAN if bars else 0
    done = min(bar / SPAN / spans, 1.0) if spans else 0.0
    return ramp[0] + (ramp[1] - ramp[0]) * done


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
