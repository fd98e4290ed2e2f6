"""Which symbols may follow: an automaton that reads a piece and masks what would not be one."""

from __future__ import annotations

import copy
import math

import numpy as np

from audio_rnn.errors import MusicError
from audio_rnn.midi.lengths import LONGEST, Lengths
from audio_rnn.midi.piece import PITCHES, WHOLE
from audio_rnn.midi.state import HEAD, PieceState
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
        self.usable = np.ones(SIZE, bool) if usable is None else usable
        self.lengths = Lengths(self.usable)
        self.bars, self.end = bars, end
        self.state = PieceState()
        pitches = self.usable[ids_of(Kind.PITCH)]
        self._never = np.where(pitches, 0, np.iinfo(np.int64).max)  # when a pitch may begin

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
                f"found symbol {name!r} in bar {self.state.bar} after {self.state.last.name.lower()}, where it "
                f"may not stand; expected one of {self._expected()}"
            )

    def take(self, symbol: int) -> None:
        """Go on by a symbol that is known to be allowed."""
        self.state.take(symbol)

    def allowed(self) -> np.ndarray:
        """(symbols,) bool: what may come next."""
        mask = np.zeros(SIZE, bool)
        last = self.state.last
        if last is Kind.END:
            mask[FIRST[Kind.BAR]] = self.state.bar == 0
        elif self.state.position < 0:
            self._allow_head(mask)
        elif last in (Kind.AT, Kind.KEY, Kind.TEMPO):
            self._allow_changes(mask)
        elif last is Kind.LENGTH:
            self._allow_chord(mask, self.state.voice)
            self._allow_voices(mask, self.state.voice + 1)
            self._allow_position(mask)
        elif last is Kind.VOICE:
            self._allow_chord(mask, self.state.voice)
        else:
            self._allow_in_chord(mask)
        mask &= self.usable
        return mask

    def free_from(self, voices: range) -> int:
        """The first step at which one of the voices has a pitch that it may begin."""
        sounds = self.state.sounds[voices.start : voices.stop]
        return int(np.maximum(sounds, self._never).min(initial=np.iinfo(np.int64).max))

    def _allow_head(self, mask: np.ndarray) -> None:
        first = self.state.bar == 1
        for kind in HEAD[HEAD.index(self.state.last) + 1 if self.state.last in HEAD else 0 :]:
            if self.state.last in (Kind.VOICE, Kind.PROGRAM):
                break
            if first or kind is not Kind.BARS:
                self._allow_change(mask, kind)
            if first and kind in (Kind.METER, Kind.TEMPO):
                return  # a piece tells these at its beginning
        if not first:
            self._allow_position(mask)
        elif self.state.last is Kind.VOICE:
            _allow(mask, Kind.PROGRAM)
        else:
            if self.state.voices < len(VOICES):
                _allow(mask, Kind.VOICE, self.state.voices, self.state.voices + 1)
            if self.state.voices:
                self._allow_position(mask)

    def _allow_change(self, mask: np.ndarray, kind: Kind) -> None:
        _allow(mask, kind)
        if kind in self.state.current:
            mask[FIRST[kind] + self.state.current[kind]] = False
        if kind is Kind.METER and self._bars_left is not None:  # what sounds must end inside
            fits = BAR_STEPS * (self._bars_left + 1) >= self.state.end - self.state.start
            mask[FIRST[kind] : FIRST[kind] + len(fits)] &= fits

    def _allow_changes(self, mask: np.ndarray) -> None:
        """Behind a position: key and tempo, if it is not the head's, then notes."""
        for kind in (Kind.KEY, Kind.TEMPO):
            if self.state.position > 0 and (self.state.last is Kind.AT or self.state.last < kind):
                self._allow_change(mask, kind)
        self._allow_chord(mask, 0)
        self._allow_voices(mask, 1)
        if self.state.last is not Kind.AT:
            self._allow_position(mask)

    def _allow_voices(self, mask: np.ndarray, first: int) -> None:
        for voice in range(first, self.state.voices):
            mask[FIRST[Kind.VOICE] + voice] = self._has_pitch(voice) and self._fits(1)

    def _allow_chord(self, mask: np.ndarray, voice: int) -> None:
        """A chord that comes behind those of this voice at this position."""
        if not self._has_pitch(voice):
            return
        before = self.state.length if self.state.last is Kind.LENGTH else 0
        known, longer = self.state.velocities[voice], self._fits(before + 1)
        if longer and known >= 0:
            self._allow_pitches(mask, voice, 0)
        if longer:
            _allow(mask, Kind.VELOCITY)
        elif before and self._fits(before):
            _allow(mask, Kind.VELOCITY, known + 1)
        if known >= 0:
            mask[FIRST[Kind.VELOCITY] + known] = False

    def _allow_in_chord(self, mask: np.ndarray) -> None:
        if self.state.last is Kind.VELOCITY:
            self._allow_pitches(mask, self.state.voice, 0)
            return
        if self.state.last is Kind.PITCH:
            self._allow_pitches(mask, self.state.voice, self.state.chord[-1] + 1)
        holds = 0 if self.state.last is Kind.PITCH else self.state.holds
        first = FIRST[Kind.LENGTH]
        mask[first : first + WHOLE] = self.lengths.between(holds, self.state.least, self._room)
        mask[FIRST[Kind.HOLD]] = self.lengths.may_hold(holds, self.state.least, self._room)

    def _allow_pitches(self, mask: np.ndarray, voice: int, lowest: int) -> None:
        first = FIRST[Kind.PITCH]
        mask[first + lowest : first + len(PITCHES)] = (
            self.state.sounds[voice, lowest:] <= self.state.now
        )

    def _allow_position(self, mask: np.ndarray) -> None:
        """A later position of this bar, another bar, or the end."""
        shortest = self.lengths.shortest(1)
        latest = min(self.state.steps, self.state.steps + self._room_behind_bar - shortest + 1)
        free = self.free_from(range(self.state.voices)) - self.state.start
        _allow(mask, Kind.AT, max(self.state.position + 1, free), max(latest, 0))
        left = self._bars_left
        mask[FIRST[Kind.BAR]] = left is None or left > 0
        inside = self.state.start < self.state.end <= self.state.start + self.state.steps
        mask[FIRST[Kind.END]] = inside and (self.bars is None or left == 0)

    @property
    def _bars_left(self) -> float | None:
        return None if self.bars is None else self.bars - self.state.bar

    @property
    def _room_behind_bar(self) -> int:
        """Steps that a note may sound on after this bar."""
        if self.end is not None:
            return self.end - self.state.start - self.state.steps
        left = self._bars_left
        return LONGEST if left is None or math.isinf(left) else int(left) * self.state.steps

    @property
    def _room(self) -> int:
        """Steps that a note beginning now may have."""
        return min(
            self.state.start + self.state.steps + self._room_behind_bar - self.state.now, LONGEST
        )

    def _fits(self, least: int) -> bool:
        return self.lengths.shortest(least) <= self._room

    def _has_pitch(self, voice: int) -> bool:
        return bool(np.maximum(self.state.sounds[voice], self._never).min() <= self.state.now)

    def _expected(self) -> str:
        kinds = dict.fromkeys(Kind(int(k)).name.lower() for k in KIND[self.allowed()])
        return ", ".join(kinds) or "none"


def _allow(mask: np.ndarray, kind: Kind, first: int = 0, last: int | None = None) -> None:
    """Symbols of one kind, from place `first` to before place `last`."""
    mask[FIRST[kind] + first : FIRST[kind] + (COUNTS[kind] if last is None else last)] = True
