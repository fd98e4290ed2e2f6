"""The event symbols: their names, and which id is what.

Ids of one kind are consecutive, so that a set of them is a slice of a mask.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np

from audio_rnn.midi.piece import FIFTHS, PITCHES, WHOLE, Key, Meter
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary

# Beats and their units, bars of at most two whole notes
METERS = tuple(
    (beats, unit)
    for unit, most in ((2, 4), (4, 8), (8, 16), (16, 16))
    for beats in range(1, most + 1)
)
# The marks of a metronome, and beyond
TEMPOS = (
    *range(10, 40, 5), *range(40, 60, 2), *range(60, 72, 3), *range(72, 120, 4),
    *range(120, 144, 6), *range(144, 240, 8), *range(240, 340, 20),
)  # fmt: skip
VELOCITIES = tuple(range(4, 128, 8))  # of 16 bins, their middles
VOICES = range(1, 17)
PROGRAMS = range(128)
POSITIONS = range(2 * WHOLE)  # steps from the beginning of a bar
LENGTHS = range(1, WHOLE + 1)  # steps; a `hold` before adds a whole note
BARS = range(1, 129)
DENSITIES = tuple(n / 4 for n in range(17))  # beginnings of notes a quarter note, the nearest
REGISTERS = range(0, 128, 2)  # mean pitches, the nearest


class Kind(IntEnum):
    """What a symbol tells."""

    END = 0  # the boundary before and after a piece
    BAR = 1  # a bar begins
    METER = 2  # of this bar and those after it
    KEY = 3
    TEMPO = 4
    BARS = 5  # how many the piece has; annotation, no part of the music, as the next two are
    DENSITY = 6  # of the melody from here on
    REGISTER = 7  # of the melody from here on
    VOICE = 8  # in the first bar it declares a voice, then it chooses one
    PROGRAM = 9  # of the voice
    AT = 10  # a position in the bar
    VELOCITY = 11  # of the notes of a voice from here on
    PITCH = 12
    HOLD = 13  # a whole note more
    LENGTH = 14  # of all pitches since the last one


ANNOTATIONS = (Kind.BARS, Kind.DENSITY, Kind.REGISTER)
KEYS = tuple(Key(0, fifths, minor) for minor in (False, True) for fifths in FIFTHS)

NAMES: dict[Kind, tuple[str, ...]] = {
    Kind.END: (BLANK_SYMBOL,),
    Kind.BAR: ("bar",),
    Kind.METER: tuple(f"meter_{beats}/{unit}" for beats, unit in METERS),
    Kind.KEY: tuple(f"key_{key.name}" for key in KEYS),
    Kind.TEMPO: tuple(f"tempo_{bpm}" for bpm in TEMPOS),
    Kind.BARS: tuple(f"bars_{n}" for n in BARS),
    Kind.DENSITY: tuple(f"density_{n:g}" for n in DENSITIES),
    Kind.REGISTER: tuple(f"register_{n}" for n in REGISTERS),
    Kind.VOICE: tuple(f"voice_{n}" for n in VOICES),
    Kind.PROGRAM: tuple(f"program_{n}" for n in PROGRAMS),
    Kind.AT: tuple(f"at_{n}" for n in POSITIONS),
    Kind.VELOCITY: tuple(f"velocity_{n}" for n in VELOCITIES),
    Kind.PITCH: tuple(f"pitch_{n}" for n in PITCHES),
    Kind.HOLD: ("hold",),
    Kind.LENGTH: tuple(f"length_{n}" for n in LENGTHS),
}
COUNTS = [len(NAMES[kind]) for kind in Kind]
FIRST = [sum(COUNTS[:kind]) for kind in Kind]  # id of the first symbol of each kind
SIZE = sum(COUNTS)
FIRSTS, SIZES = np.array(FIRST), np.array(COUNTS)  # for compiled code
KIND = np.repeat(np.arange(len(COUNTS)), COUNTS)  # (SIZE,) of each id
BAR_STEPS = np.array([Meter(0, *meter).bar for meter in METERS])


@cache
def event_vocabulary() -> Vocabulary:
    """All symbols; every model of events has these."""
    return Vocabulary(tuple(name for kind in Kind for name in NAMES[kind]), "symbol")


def identify(kind: Kind, index: int = 0) -> int:
    """The id of a kind's symbol, by its place among them."""
    return FIRST[kind] + index


def ids_of(kind: Kind) -> slice:
    """All ids of a kind."""
    return slice(FIRST[kind], FIRST[kind] + COUNTS[kind])
