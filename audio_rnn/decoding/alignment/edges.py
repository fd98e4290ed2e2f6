"""Where words begin and end: between the symbols that CTC gives, by the loudness of the sound.

CTC puts a symbol somewhere inside its sound. What lies between the last symbol of a word and the
first of the next one is shared out here: neighbours meet where it is quietest, and around a pause
each ends where the quiet begins. Measured by benchmarks/alignment.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.hypothesis import Word

HOP = 0.01  # seconds from one value of the loudness to the next
QUIET = 0.1  # of the way from the quietest to the loudest around, in dB
PAUSE = 0.2  # seconds of quiet that part two words
REACH = 0.25  # seconds that a word may go beyond its symbols into a pause
AROUND = 0.2  # seconds of the symbols' own sound that count for the loudest


def with_edges(words: Sequence[Word], loudness: NDArray[np.float32]) -> list[Word]:
    """Words whose times are those of their symbols, in order -> words with the times of their sound.

    Args:
        loudness: (values,) dB, HOP seconds each.
    """
    starts, ends = [word.start for word in words], [word.end for word in words]
    for i in range(len(words) + 1):
        before = words[i - 1].end if i > 0 else 0.0
        after = words[i].start if i < len(words) else len(loudness) * HOP
        end, start = _share(before, after, loudness, alone=i in (0, len(words)))
        if i > 0:
            ends[i - 1] = max(before, end)
        if i < len(words):
            starts[i] = min(after, start)
    return [replace(w, start=a, end=b) for w, a, b in zip(words, starts, ends)]


def _share(
    before: float, after: float, loudness: NDArray[np.float32], alone: bool
) -> tuple[float, float]:
    """End of the sound of one word and start of the next between two times; `alone`: of one."""
    first, last = round(before / HOP), min(round(after / HOP), len(loudness))
    if first >= last:
        return before, after
    between = loudness[first:last]
    around = round(AROUND / HOP)
    loudest = float(loudness[max(0, first - around) : last + around].max())
    lowest = int(between.argmin())
    level = between[lowest] + QUIET * (loudest - between[lowest])
    quiet = np.flatnonzero(between <= level)
    begin, stop = int(quiet[0]), int(quiet[-1]) + 1
    if not alone and (stop - begin) * HOP < PAUSE:
        begin = stop = lowest
    end = min((first + begin) * HOP, before + REACH)
    return end, max((first + stop) * HOP, after - REACH)
