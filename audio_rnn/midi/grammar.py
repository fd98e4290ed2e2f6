"""Which symbols may follow: an automaton that reads a piece and masks what would not be one."""

from __future__ import annotations

import copy
import math

import numpy as np

from audio_rnn.errors import MusicError
from audio_rnn.midi.lengths import LONGEST, Lengths
from audio_rnn.midi.piece import PITCHES, WHOLE
from audio_rnn.midi.symbols import (
    BAR_STEPS,
    COUNTS,
    FIRST,
    KIND,
    SIZE,
    VOICES,
    Kind,
    event_vocabulary,
    ids_of,
)

KINDS = [Kind(int(kind)) for kind in KIND]  # of each symbol
NEVER = np.iinfo(np.int64).max
HEAD = (Kind.METER, Kind.KEY, Kind.TEMPO, Kind.DENSITY, Kind.REGISTER)  # in this order, in a bar


class Grammar:
    """Reads symbols one by one. Whatever keeps to `allowed` is what `encode` writes of some piece:

    bars add up, positions go forwards, no pitch begins while it sounds in its voice, every note
    ends before the piece does, nothing is said twice.
    """

    def __init__(self, usable: np.ndarray | None = None, bars: float | None = None) -> None:
        """
        Args:
            usable: (symbols,) bool, those that may be used at all; None for all of them.
            bars: how many the piece has; infinity for one that never ends; None for any.
        """
        self.usable = np.ones(SIZE, bool) if usable is None else usable
        self.lengths = Lengths(self.usable)
        self.bars = bars
        self.last = Kind.END
        self.bar = 0  # bars begun
        self.start = self.steps = 0  # of this bar: its first step, and how many it has
        self.position = -1  # the last one in this bar, in steps from its start
        self.now = 0  # the step that is being written
        self.voice = 0
        self.voices = 0  # declared
        self.current: dict[Kind, int] = {}  # kind -> index of what holds now
        self.velocities = [-1] * len(VOICES)
        self.sounds = np.zeros((len(VOICES), len(PITCHES)), np.int64)  # until this step
        self.sounds[:, ~self.usable[ids_of(Kind.PITCH)]] = NEVER  # free
        self.end = 0  # of the last note
        self.chord: list[int] = []  # pitches that have no length yet, or just got it
        self.length = 0  # of the chord read last in this voice at this position
        self.least = 1  # steps that the length of the coming chord must have
        self.holds = 0

    def copy(self) -> Grammar:
        """One that reads on from here by itself."""
        other = copy.copy(self)
        for name in ("current", "velocities", "sounds", "chord"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def declares(self) -> bool:
        """Whether voices are being declared, in the head of the first bar."""
        return self.bar == 1 and self.position < 0

    def read(self, symbol: int) -> None:
        """Go on by one symbol. Raises: MusicError for one that may not stand here."""
        self.check(symbol)
        self.take(symbol)

    def check(self, symbol: int) -> None:
        """Raises: MusicError for a symbol that may not stand here."""
        if not self.allowed()[symbol]:
            name = event_vocabulary().symbols[symbol]
            raise MusicError(
                f"found symbol {name!r} in bar {self.bar} after {self.last.name.lower()}, where it "
                f"may not stand; expected one of {self._expected()}"
            )

    def take(self, symbol: int) -> None:
        """Go on by a symbol that is known to be allowed."""
        kind = KINDS[symbol]
        self._follow(kind, symbol - FIRST[kind])
        self.last = kind

    def _follow(self, kind: Kind, index: int) -> None:
        if kind in HEAD:
            self.current[kind] = index
        if kind is Kind.BAR:
            self.bar, self.start, self.position = self.bar + 1, self.start + self.steps, -1
            self.now = self.start
        elif kind is Kind.METER:
            self.steps = int(BAR_STEPS[index])
        elif kind is Kind.AT:
            self.position, self.now, self.voice = index, self.start + index, 0
            self._open_chords()
        elif kind is Kind.VOICE and self.declares:
            self.voices = index + 1
        elif kind is Kind.VOICE:
            self.voice = index
            self._open_chords()
        elif kind is Kind.VELOCITY:
            louder = index > self.velocities[self.voice]
            self.least = self.length + (0 if louder and self.length else 1)
            self.velocities[self.voice] = index
        elif kind is Kind.PITCH:
            self._add_pitch(index)
        elif kind is Kind.HOLD:
            self.holds += 1
        elif kind is Kind.LENGTH:
            self._close_chord(self.holds * WHOLE + index + 1)

    def _open_chords(self) -> None:
        self.length, self.least = 0, 1

    def _add_pitch(self, pitch: int) -> None:
        if self.last is not Kind.PITCH:
            self.chord, self.holds = [], 0
            if self.last is not Kind.VELOCITY:
                self.least = self.length + 1
        self.chord.append(pitch)

    def _close_chord(self, length: int) -> None:
        end = self.now + length
        self.sounds[self.voice, self.chord] = end
        self.end = max(self.end, end)
        self.length = length

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        mask = np.zeros(SIZE, bool)
        last = self.last
        if last is Kind.END:
            mask[FIRST[Kind.BAR]] = self.bar == 0
        elif self.position < 0:
            self._allow_head(mask)
        elif last in (Kind.AT, Kind.KEY, Kind.TEMPO):
            self._allow_changes(mask)
        elif last is Kind.LENGTH:
            self._allow_chord(mask, self.voice)
            self._allow_voices(mask, self.voice + 1)
            self._allow_position(mask)
        elif last is Kind.VOICE:
            self._allow_chord(mask, self.voice)
        else:
            self._allow_in_chord(mask)
        mask &= self.usable
        return mask

    def _allow_head(self, mask: np.ndarray) -> None:
        first = self.bar == 1
        for kind in HEAD[HEAD.index(self.last) + 1 if self.last in HEAD else 0 :]:
            if self.last in (Kind.VOICE, Kind.PROGRAM):
                break
            self._allow_change(mask, kind)
            if first and kind in (Kind.METER, Kind.TEMPO):
                return  # a piece tells these at its beginning
        if not first:
            self._allow_position(mask)
        elif self.last is Kind.VOICE:
            _allow(mask, Kind.PROGRAM)
        else:
            if self.voices < len(VOICES):
                _allow(mask, Kind.VOICE, self.voices, self.voices + 1)
            if self.voices:
                self._allow_position(mask)

    def _allow_change(self, mask: np.ndarray, kind: Kind) -> None:
        _allow(mask, kind)
        if kind in self.current:
            mask[FIRST[kind] + self.current[kind]] = False
        if kind is Kind.METER and self._bars_left is not None:  # what sounds must end inside
            fits = BAR_STEPS * (self._bars_left + 1) >= self.end - self.start
            mask[FIRST[kind] : FIRST[kind] + len(fits)] &= fits

    def _allow_changes(self, mask: np.ndarray) -> None:
        """Behind a position: key and tempo, if it is not the head's, then notes."""
        for kind in (Kind.KEY, Kind.TEMPO):
            if self.position > 0 and (self.last is Kind.AT or self.last < kind):
                self._allow_change(mask, kind)
        self._allow_chord(mask, 0)
        self._allow_voices(mask, 1)
        if self.last is not Kind.AT:
            self._allow_position(mask)

    def _allow_voices(self, mask: np.ndarray, first: int) -> None:
        for voice in range(first, self.voices):
            mask[FIRST[Kind.VOICE] + voice] = self._has_pitch(voice) and self._fits(1)

    def _allow_chord(self, mask: np.ndarray, voice: int) -> None:
        """A chord that comes behind those of this voice at this position."""
        if not self._has_pitch(voice):
            return
        before = self.length if self.last is Kind.LENGTH else 0
        known, longer = self.velocities[voice], self._fits(before + 1)
        if longer and known >= 0:
            self._allow_pitches(mask, voice, 0)
        if longer:
            _allow(mask, Kind.VELOCITY)
        elif before and self._fits(before):
            _allow(mask, Kind.VELOCITY, known + 1)
        if known >= 0:
            mask[FIRST[Kind.VELOCITY] + known] = False

    def _allow_in_chord(self, mask: np.ndarray) -> None:
        if self.last is Kind.VELOCITY:
            self._allow_pitches(mask, self.voice, 0)
            return
        if self.last is Kind.PITCH:
            self._allow_pitches(mask, self.voice, self.chord[-1] + 1)
        holds = 0 if self.last is Kind.PITCH else self.holds
        first = FIRST[Kind.LENGTH]
        mask[first : first + WHOLE] = self.lengths.between(holds, self.least, self._room)
        mask[FIRST[Kind.HOLD]] = self.lengths.may_hold(holds, self.least, self._room)

    def _allow_pitches(self, mask: np.ndarray, voice: int, lowest: int) -> None:
        first = FIRST[Kind.PITCH]
        mask[first + lowest : first + len(PITCHES)] = self.sounds[voice, lowest:] <= self.now

    def _allow_position(self, mask: np.ndarray) -> None:
        """A later position of this bar, another bar, or the end."""
        shortest = self.lengths.shortest(1)
        latest = min(self.steps, self.steps + self._room_behind_bar - shortest + 1)
        free = self._free_from() - self.start
        _allow(mask, Kind.AT, max(self.position + 1, free), max(latest, 0))
        left = self._bars_left
        mask[FIRST[Kind.BAR]] = left is None or left > 0
        inside = self.start < self.end <= self.start + self.steps
        mask[FIRST[Kind.END]] = inside and (self.bars is None or left == 0)

    @property
    def _bars_left(self) -> float | None:
        return None if self.bars is None else self.bars - self.bar

    @property
    def _room_behind_bar(self) -> int:
        """Steps that a note may sound on after this bar."""
        left = self._bars_left
        return LONGEST if left is None or math.isinf(left) else int(left) * self.steps

    @property
    def _room(self) -> int:
        """Steps that a note beginning now may have."""
        return min(self.start + self.steps + self._room_behind_bar - self.now, LONGEST)

    def _fits(self, least: int) -> bool:
        return self.lengths.shortest(least) <= self._room

    def _has_pitch(self, voice: int) -> bool:
        return bool(self.sounds[voice].min() <= self.now)

    def _free_from(self) -> int:
        """The first step at which some voice has a pitch that it may begin."""
        return int(self.sounds[: self.voices].min())

    def _expected(self) -> str:
        kinds = dict.fromkeys(Kind(int(k)).name.lower() for k in KIND[self.allowed()])
        return ", ".join(kinds) or "none"


def _allow(mask: np.ndarray, kind: Kind, first: int = 0, last: int | None = None) -> None:
    """Symbols of one kind, from place `first` to before place `last`."""
    mask[FIRST[kind] + first : FIRST[kind] + (COUNTS[kind] if last is None else last)] = True
