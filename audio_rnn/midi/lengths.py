"""Which lengths of notes a set of symbols can write: `hold` symbols, a whole note each, and one `length`."""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.midi.piece import WHOLE
from audio_rnn.midi.symbols import Kind, ids_of

LONGEST = 128 * WHOLE  # steps; a note of 4 minutes at 120 quarters a minute


def following(usable: np.ndarray) -> np.ndarray:
    """(WHOLE,) for each number of steps the shortest `length` of more, out of those that may be used.

    0 where there is none. usable: (symbols,) bool.
    """
    lengths = np.flatnonzero(usable[ids_of(Kind.LENGTH)]) + 1
    places = np.searchsorted(lengths, np.arange(WHOLE), side="right")
    return np.append(lengths, 0)[places]


@njit(cache=True, nogil=True)
def shortest(least: int, after: np.ndarray, held: bool) -> int:
    """The shortest length of at least so many steps; beyond LONGEST where there is none.

    Args:
        least: 1 or more.
        after: of `following`.
        held: whether `hold` may be used.
    """
    wholes, rest = (least - 1) // WHOLE, (least - 1) % WHOLE
    if after[rest] == 0:
        wholes, rest = wholes + 1, 0
    length = wholes * WHOLE + after[rest]
    possible = after[rest] > 0 and (held or wholes == 0) and length <= LONGEST
    return length if possible else LONGEST + 2
