"""What a reader of symbols knows besides the last one, told to a model at every step.

A recurrent network forgets what was said long ago and still holds, and cannot keep a piece word by
word, though music repeats itself. So it is told: meter, key, density and register; how dense and high
the rest of every four bars has to be, for all of them to be what was told; bars to come; bar, position
and voice; and what came next where the same was heard before (`recall.py`), with how many symbols agreed
up to here. Everything is a function of the symbols so far.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.midi import recall
from audio_rnn.midi.controls import SPAN
from audio_rnn.midi.piece import QUARTER
from audio_rnn.midi.recall import POINTERS, hear, pointed
from audio_rnn.midi.symbols import (
    BAR_STEPS,
    BARS,
    COUNTS,
    DENSITIES,
    FIRST,
    KIND,
    REGISTERS,
    SIZE,
    Kind,
)

CYCLE = 16  # bars that are told apart
AGREEMENTS = np.array([1, 4, 8, 16, 32, 64])  # symbols from which on a pointer is trusted more
HELD = (Kind.METER, Kind.KEY, Kind.DENSITY, Kind.REGISTER, Kind.AT, Kind.VOICE)

# The columns of hints: what holds, what is to come, the bar, pointed symbols, agreements
TO_COME = [len(BARS) + 1, len(DENSITIES), len(REGISTERS)]
COLUMNS = [*(COUNTS[kind] for kind in HELD), *TO_COME, CYCLE] + [SIZE] * POINTERS
COLUMNS += [len(AGREEMENTS)] * POINTERS
FIRSTS = np.concatenate(([0], np.cumsum([size + 1 for size in COLUMNS])))  # 0 of a column: nothing
HINTS = int(FIRSTS[-1])  # ids of all columns

# A memory: what holds; bars begun, bars in all; of these four bars, beginnings of notes of the melody,
# notes, the sum of their pitches; the position of the last one in this bar, from 1; what was heard
BAR, TOTAL, STARTS, NOTES, PITCHES, LAST, HEARD = range(len(HELD), len(HELD) + 7)
MEMORY = HEARD + recall.MEMORY

_SLOT = np.array([HELD.index(kind) if kind in HELD else -1 for kind in Kind])[KIND]
_INDEX = np.arange(SIZE) - np.array(FIRST)[KIND]
_MUSIC = np.isin(KIND, (Kind.BAR, Kind.VOICE, Kind.AT, Kind.PITCH, Kind.HOLD, Kind.LENGTH))
_BAR, _TOTAL, _PITCH = FIRST[Kind.BAR], np.equal(KIND, Kind.BARS), np.equal(KIND, Kind.PITCH)
_METER, _AT, _VOICE = (HELD.index(kind) for kind in (Kind.METER, Kind.AT, Kind.VOICE))
_DENSITY, _REGISTER = HELD.index(Kind.DENSITY), HELD.index(Kind.REGISTER)
_STEP, _SEMITONES = DENSITIES[1], REGISTERS.step
_DENSEST, _HIGHEST = len(DENSITIES) - 1, len(REGISTERS) - 1


def no_memory(batch: int) -> np.ndarray:
    """(batch, MEMORY) of readers that have read nothing."""
    memory = np.zeros((batch, MEMORY), np.int32)
    recall.forget(memory[:, HEARD:])
    return memory


def hints_of(symbols: np.ndarray) -> np.ndarray:
    """(steps, columns) ids of hints behind each symbol (steps,) of one sequence."""
    return _read_all(np.asarray(symbols, np.int64), no_memory(1)[0])


@njit(cache=True, nogil=True)
def read_on(symbols: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Hints (batch, columns) behind one more symbol (batch,) of each; memory is written to."""
    hints = np.empty((len(symbols), len(FIRSTS) - 1), np.int64)
    for row in range(len(symbols)):
        _read(symbols[row], memory[row], hints[row])
    return hints


@njit(cache=True, nogil=True)
def _read_all(symbols: np.ndarray, memory: np.ndarray) -> np.ndarray:
    hints = np.empty((len(symbols), len(FIRSTS) - 1), np.int64)
    for step in range(len(symbols)):
        _read(symbols[step], memory, hints[step])
    return hints


@njit(cache=True, nogil=True)
def _read(symbol: int, memory: np.ndarray, hints: np.ndarray) -> None:
    slot = _SLOT[symbol]
    if symbol == _BAR:
        memory[BAR] += 1
        memory[_AT] = memory[_VOICE] = memory[LAST] = 0
        if (memory[BAR] - 1) % SPAN == 0:
            memory[STARTS] = memory[NOTES] = memory[PITCHES] = 0
    if slot == _AT:
        memory[_VOICE] = 0
    if slot >= 0:
        memory[slot] = _INDEX[symbol] + 1
    if _TOTAL[symbol]:
        memory[TOTAL] = _INDEX[symbol] + 1
    if _PITCH[symbol] and memory[_VOICE] == 0:
        memory[STARTS] += memory[LAST] != memory[_AT]
        memory[NOTES] += 1
        memory[PITCHES] += _INDEX[symbol]
        memory[LAST] = memory[_AT]
    if _MUSIC[symbol] and not (slot == _VOICE and memory[_AT] == 0):  # declarations are no music
        hear(symbol, memory[HEARD:])
    _tell(memory, hints)
    hints += FIRSTS[:-1]


@njit(cache=True, nogil=True)
def _tell(memory: np.ndarray, hints: np.ndarray) -> None:
    hints[: len(HELD)] = memory[: len(HELD)]
    left = memory[TOTAL] - memory[BAR]
    hints[len(HELD)] = left + 1 if memory[TOTAL] and left >= 0 else 0
    hints[len(HELD) + 1], hints[len(HELD) + 2] = _to_come(memory)
    hints[len(HELD) + 3] = memory[BAR] % CYCLE + 1
    first = len(HELD) + 4
    for n in range(POINTERS):
        symbol = pointed(memory[HEARD:], n)
        agreed = memory[HEARD + recall.AGREED + n] if symbol >= 0 else 0
        hints[first + n] = symbol + 1
        hints[first + POINTERS + n] = np.searchsorted(AGREEMENTS, agreed, side="right")


@njit(cache=True, nogil=True)
def _to_come(memory: np.ndarray) -> tuple[int, int]:
    """Density and register that the rest of these four bars must have, as indices from 1; 0: any."""
    if memory[_METER] == 0 or memory[_DENSITY] == 0:
        return 0, 0
    done = (memory[BAR] - 1) % SPAN
    bars = SPAN
    if memory[TOTAL]:
        bars = min(SPAN, max(memory[TOTAL] - memory[BAR], 0) + done + 1)
    steps = BAR_STEPS[memory[_METER] - 1]
    left = (bars - done) * steps - max(memory[_AT] - 1, 0)
    starts = (memory[_DENSITY] - 1) * _STEP * bars * steps / QUARTER
    density = (starts - memory[STARTS]) * QUARTER / left / _STEP
    dense = min(max(int(density + 0.5), 0), _DENSEST) + 1
    if memory[_REGISTER] == 0:
        return dense, 0
    notes = max(starts - memory[STARTS], 4.0)  # few would have to make up for all that were
    told = (memory[_REGISTER] - 1) * _SEMITONES
    missing = told * memory[NOTES] - memory[PITCHES]
    register = (told + missing / notes) / _SEMITONES
    return dense, min(max(int(register + 0.5), 0), _HIGHEST) + 1
