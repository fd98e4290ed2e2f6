"""What has been read of a piece, as far as it says what may follow."""

from __future__ import annotations

import copy

import numpy as np

from audio_rnn.midi.piece import PITCHES, WHOLE
from audio_rnn.midi.symbols import ANNOTATIONS, BAR_STEPS, FIRST, KIND, VOICES, Kind

KINDS = [Kind(int(kind)) for kind in KIND]  # of each symbol
HEAD = (Kind.METER, Kind.KEY, Kind.TEMPO, *ANNOTATIONS)  # in this order, in a bar


class PieceState:
    """Follows the symbols of a piece; its size does not grow with them."""

    def __init__(self) -> None:
        self.last = Kind.END  # what was read last
        self.bar = 0  # bars begun
        self.start = self.steps = 0  # of this bar: its first step, and how many it has
        self.position = -1  # the last one in this bar, in steps from its start
        self.now = 0  # the step that is being written
        self.voice = 0
        self.voices = 0  # declared
        self.current: dict[Kind, int] = {}  # kind -> index of what holds now
        self.velocities = [-1] * len(VOICES)
        self.sounds = np.zeros((len(VOICES), len(PITCHES)), np.int64)  # until this step
        self.end = 0  # of the last note
        self.chord: list[int] = []  # pitches that have no length yet, or just got it
        self.length = 0  # of the chord read last in this voice at this position
        self.least = 1  # steps that the length of the coming chord must have
        self.holds = 0

    def copy(self) -> PieceState:
        """One that reads on from here by itself."""
        return copy.deepcopy(self)

    @property
    def declares(self) -> bool:
        """Whether voices are being declared, in the head of the first bar."""
        return self.bar == 1 and self.position < 0

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
