"""Which lengths of notes a set of symbols can write."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from audio_rnn.midi.piece import WHOLE
from audio_rnn.midi.symbols import Kind, identify, ids_of

LONGEST = 128 * WHOLE  # steps; a note of 4 minutes at 120 quarters a minute


class Lengths:
    """Lengths of notes as `hold` symbols and one `length`, out of those that may be used."""

    def __init__(self, usable: np.ndarray) -> None:
        """usable: (symbols,) bool."""
        self.last = usable[ids_of(Kind.LENGTH)]  # (WHOLE,) of 1 step and up
        self.held = bool(usable[identify(Kind.HOLD)])
        self._next = _following(self.last.tobytes(), self.held)

    def shortest(self, least: int) -> int:
        """The shortest length of at least so many steps; beyond LONGEST where there is none."""
        return self._next[min(least, LONGEST + 1)]

    def between(self, holds: int, least: int, most: int) -> np.ndarray:
        """(WHOLE,) bool: the `length` symbols that may follow so many holds."""
        done = holds * WHOLE
        allowed = np.zeros(WHOLE, bool)
        part = slice(max(least - done - 1, 0), max(most - done, 0))
        allowed[part] = self.last[part]
        return allowed

    def may_hold(self, holds: int, least: int, most: int) -> bool:
        """Whether one more `hold` can still lead to such a length."""
        return self.held and self.shortest(max(least, (holds + 1) * WHOLE + 1)) <= most


@lru_cache(maxsize=16)
def _following(last: bytes, held: bool) -> list[int]:
    """For each number of steps the shortest length that is no less, up to beyond LONGEST."""
    wholes = LONGEST // WHOLE if held else 1
    possible = np.flatnonzero(np.tile(np.frombuffer(last, bool), wholes)) + 1
    place = np.searchsorted(possible, np.arange(LONGEST + 2))
    return np.append(possible, LONGEST + 2)[place].tolist()
