"""Places where a text and what a model hears agree beyond doubt.

A text is cut there, so that hours are aligned in small pieces: the idea of P. Moreno, C. Joerg,
J.-M. Van Thong, O. Glickman, "A recursive algorithm for the forced alignment of very long audio
segments", ICSLP 1998.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from audio_rnn.decoding.words import Emission

AROUND = 32  # symbols before or after a run
ALIKE = 0.5  # of them must agree too; of made-up text a third does


@dataclass(frozen=True)
class Anchor:
    """A symbol of the text and the step in which it is heard."""

    position: int
    step: int


def find_anchors(symbols: Sequence[int], path: Sequence[Emission], run: int) -> list[Anchor]:
    """The middles of runs that occur once in both and go on alike before or after, as many as keep
    the order of both.

    Args:
        symbols: ids of the whole text.
        path: the best path through the whole recording.
        run: symbols in a row that must agree.
    """
    written = "".join(map(chr, symbols))
    heard = "".join(chr(emission.symbol) for emission in path)
    places, others = _unique_runs(written, run), _unique_runs(heard, run)
    pairs = sorted((places[key], others[key]) for key in places.keys() & others.keys())
    middle = run // 2
    anchors = [
        Anchor(a + middle, path[b + middle].start)
        for a, b in pairs
        if _agree(written[a + run : a + run + AROUND], heard[b + run : b + run + AROUND])
        or _agree(written[max(0, a - AROUND) : a][::-1], heard[max(0, b - AROUND) : b][::-1])
    ]
    kept = _longest_increasing([anchor.step for anchor in anchors])
    return [anchors[k] for k in kept]


def _unique_runs(text: str, run: int) -> dict[str, int]:
    """Each run of so many symbols that occurs once, and where it begins."""
    runs = [text[start : start + run] for start in range(len(text) - run + 1)]
    counts = Counter(runs)
    return {key: start for start, key in enumerate(runs) if counts[key] == 1}


def _agree(written: str, heard: str) -> bool:
    """Whether both go on alike; a phrase that is said elsewhere as well does not."""
    length = min(len(written), len(heard))
    likeness = Levenshtein.normalized_similarity(written[:length], heard[:length])
    return length > 0 and likeness >= ALIKE


def _longest_increasing(values: Sequence[int]) -> list[int]:
    """Indices of a longest increasing subsequence of distinct values (patience sorting)."""
    tops: list[int] = []  # the smallest end of a subsequence of each length
    ends: list[int] = []  # its index
    before: list[int] = []
    for index, value in enumerate(values):
        length = bisect_left(tops, value)
        before.append(ends[length - 1] if length else -1)
        tops[length : length + 1] = [value]
        ends[length : length + 1] = [index]
    chain, index = [], ends[-1] if ends else -1
    while index >= 0:
        chain.append(index)
        index = before[index]
    return chain[::-1]
