"""What came next where the same was heard before: a piece's own past, word by word.

Four places in what was heard are pointed at. The first follows the last symbols, where they were heard
before; the others are 4, 8 and 16 bars back, from each bar line on, until something differs. A pointer that
would go on with what has come again and again, such as a bar that has come three times in a row, says
nothing: tunes hardly ever go on so, but a model that hears itself would. A memory is a row of integers, of a
size that does not grow.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.midi.symbols import FIRST, Kind

WINDOW = 4096  # last symbols that are remembered
AGREE = 8  # symbols that must agree before their last place is pointed at
BACK = np.array([4, 8, 16])  # bars
POINTERS = 1 + len(BACK)
PERIODS = np.array([1, 2, 3, 4, 8])  # bars that may come several times in a row
# Bars in a row that were equal to those a period before, behind which few of the tunes of Nottingham go on:
# of one bar in none of 14 cases, of two in 2 of 31, of three there is no case; four and eight bars that come
# for the fourth and the fifth time there are few.
ENOUGH = np.array([2, 2, 3, 8, 24])

# A memory: symbols heard, bars begun, pointers, symbols that agreed with each, where bars began, of each
# period bars that were equal up to here, symbols
COUNT, BAR, PLACES, AGREED = 0, 1, 2, 2 + POINTERS
BAR_STARTS, BARS = AGREED + POINTERS, 17
EQUAL = BAR_STARTS + BARS
HEARD = EQUAL + len(PERIODS)
MEMORY = HEARD + WINDOW

_BAR = FIRST[Kind.BAR]


def forget(memory: np.ndarray) -> None:
    """Set memories (batch, MEMORY) to those of who has heard nothing."""
    memory[:] = 0
    memory[:, PLACES:AGREED] = -1


@njit(cache=True, nogil=True)
def pointed(memory: np.ndarray, n: int) -> int:
    """The symbol that pointer n points at; -1 where it points nowhere, or says nothing."""
    place = memory[PLACES + n]
    return memory[HEARD + place % WINDOW] if place >= 0 and not _circles(memory, place) else -1


@njit(cache=True, nogil=True)
def _circles(memory: np.ndarray, place: int) -> bool:
    """Whether a place goes on with what has come often enough in a row."""
    bar, back = memory[BAR], memory[COUNT] - place
    for n in range(len(PERIODS)):
        if memory[EQUAL + n] >= ENOUGH[n]:
            length = (
                memory[BAR_STARTS + bar % BARS] - memory[BAR_STARTS + (bar - PERIODS[n]) % BARS]
            )
            if back % length == 0 and back // length <= 1 + memory[EQUAL + n] // PERIODS[n]:
                return True
    return False


@njit(cache=True, nogil=True)
def hear(symbol: int, memory: np.ndarray) -> None:
    """Go on by one symbol."""
    heard = memory[HEARD:]
    for n in range(POINTERS):
        place = memory[PLACES + n]
        if place >= 0 and heard[place % WINDOW] == symbol:
            memory[PLACES + n] += 1
            memory[AGREED + n] += 1
        else:
            memory[PLACES + n], memory[AGREED + n] = -1, 0
    heard[memory[COUNT] % WINDOW] = symbol
    memory[COUNT] += 1
    if symbol == _BAR:
        _look_back(memory)
    if memory[PLACES] < 0:
        memory[PLACES] = _find(heard, memory[COUNT])
        memory[AGREED] = AGREE if memory[PLACES] >= 0 else 0
    for n in range(POINTERS):
        if memory[PLACES + n] <= memory[COUNT] - WINDOW:  # forgotten
            memory[PLACES + n], memory[AGREED + n] = -1, 0


@njit(cache=True, nogil=True)
def _look_back(memory: np.ndarray) -> None:
    """At a bar line, pointers that point nowhere go to the beginnings of earlier bars."""
    memory[BAR] += 1
    bar = memory[BAR]
    memory[BAR_STARTS + bar % BARS] = memory[COUNT]
    for n in range(len(PERIODS)):
        again = bar - 1 > PERIODS[n] and _equal(memory, bar - 1, bar - 1 - PERIODS[n])
        memory[EQUAL + n] = memory[EQUAL + n] + 1 if again else 0
    for n in range(len(BACK)):
        if memory[PLACES + 1 + n] < 0 and bar > BACK[n]:
            memory[PLACES + 1 + n] = memory[BAR_STARTS + (bar - BACK[n]) % BARS]


@njit(cache=True, nogil=True)
def _equal(memory: np.ndarray, bar: int, other: int) -> bool:
    """Whether two bars of those whose beginnings are known have the same symbols."""
    heard = memory[HEARD:]
    first, end = memory[BAR_STARTS + bar % BARS], memory[BAR_STARTS + (bar + 1) % BARS]
    start = memory[BAR_STARTS + other % BARS]
    if memory[BAR_STARTS + (other + 1) % BARS] - start != end - first:
        return False
    for n in range(end - first):
        if heard[(first + n) % WINDOW] != heard[(start + n) % WINDOW]:
            return False
    return True


@njit(cache=True, nogil=True)
def _find(heard: np.ndarray, count: int) -> int:
    """The last place behind symbols like the last ones; -1 where there is none."""
    for place in range(count - 1, max(count - WINDOW, 0) + AGREE - 1, -1):
        same = 0
        while (
            same < AGREE
            and heard[(place - 1 - same) % WINDOW] == heard[(count - 1 - same) % WINDOW]
        ):
            same += 1
        if same == AGREE:
            return place
    return -1
