"""A piece of music to be drawn: its grammar, and what was asked of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from audio_rnn.config import require
from audio_rnn.errors import MusicError
from audio_rnn.midi.controls import SPAN
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.home import STAY, Home
from audio_rnn.midi.piece import PITCHES, Key
from audio_rnn.midi.symbols import (
    BARS,
    COUNTS,
    FIRST,
    KEYS,
    METERS,
    NAMES,
    REGISTERS,
    SIZE,
    TEMPOS,
    Kind,
    ids_of,
)
from audio_rnn.midi.tidy import nearest

COMMON = (0.02, 0.98)  # levels; what is beyond them a model has hardly seen
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 9, 10, 11)  # with both sixths and sevenths


@dataclass(frozen=True)
class Plan:
    """What a piece shall be; None leaves a thing to the model."""

    key: Key | None = None
    meter: tuple[int, int] | None = None  # beats, unit
    tempo: int | None = None  # quarter notes a minute
    bars: float | None = None  # infinity for a piece that never ends
    # At the beginning and at the end: the share of the training set that has fewer notes
    density: tuple[float, float] | None = None
    register: tuple[float, float] | None = None  # likewise: that has lower melodies
    lowest: int = PITCHES.start  # pitch
    highest: int = PITCHES.stop - 1
    scale: bool = False  # only pitches of the key
    guidance: float = 2.0  # how much more than it learned a model follows density and register

    def __post_init__(self) -> None:
        require(self.bars is None or self.bars >= 1, "bars", self.bars, "1 or more")
        require(self.tempo is None or 1 <= self.tempo <= 1000, "tempo", self.tempo, "1 to 1000")
        for name in ("density", "register"):
            value = getattr(self, name)
            holds = value is None or all(0 <= part <= 1 for part in value)
            require(holds, name, value, "values from 0 to 1")
        require(0 < self.guidance <= 10, "guidance", self.guidance, "above 0, at most 10")
        holds = 0 <= self.lowest <= self.highest <= 127
        require(holds, "range of pitches", (self.lowest, self.highest), "0 to 127, lowest first")


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
            _check_known(usable, kind, index, home, key)
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


def find_usable(
    plan: Plan, known: np.ndarray | None, key: Key | None, home: Home = STAY
) -> np.ndarray:
    """(symbols,) bool: those that are known, with pitches as planned.

    Raises: MusicError where no pitch may sound.
    """
    usable = np.ones(SIZE, bool) if known is None else known.copy()
    usable[ids_of(Kind.PITCH)] &= _pitches(plan, plan.key or key, home)
    if not usable[ids_of(Kind.PITCH)].any():
        raise MusicError(
            f"found no pitch from {plan.lowest} to {plan.highest} that the model knows"
            f"{' in the scale' if plan.scale else ''}, expected some; widen the range"
        )
    return usable


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


def _check_known(usable: np.ndarray, kind: Kind, index: int, home: Home, key: Key | None) -> None:
    if kind in (Kind.TEMPO, Kind.BARS):  # numbers, of which the model need not know each
        usable[FIRST[kind] + index] = True
    if not usable[FIRST[kind] + index]:
        known = np.flatnonzero(usable[ids_of(kind)]).tolist()
        behind = f" after a primer in {key.name}" if key and kind is Kind.KEY else ""
        found = f"{names_of(kind, [index], home)}{behind}"
        raise MusicError(
            f"{kind.name.lower()}: found {found}, which the model never saw; "
            f"expected one of {names_of(kind, known, home) or 'none at all'}"
        )


def names_of(kind: Kind, indices: Sequence[int], home: Home = STAY) -> str:
    """Names of symbols for people, by their places among their kind."""
    assert max(indices, default=0) < COUNTS[kind]
    if kind is Kind.KEY:
        return ", ".join(home.lead_key(KEYS[i]).name for i in indices)
    return ", ".join(NAMES[kind][i].partition("_")[2] for i in indices)


def _pitches(plan: Plan, key: Key | None, home: Home) -> np.ndarray:
    pitches = np.arange(len(PITCHES)) + home.semitones
    allowed = (plan.lowest <= pitches) & (pitches <= plan.highest)
    if not plan.scale:
        return allowed
    if key is None:
        raise MusicError(
            "scale: found no key, expected one to be named, or a primer or melody that has one"
        )
    return allowed & np.isin((pitches - key.tonic) % 12, MINOR if key.minor else MAJOR)
