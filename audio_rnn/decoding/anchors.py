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

from audio_rnn.decoding.words import Emission


@dataclass(frozen=True)
class Anchor:
    """A symbol of the text and the step in which it is heard."""

    position: int
    step: int


def find_anchors(symbols: Sequence[int], path: Sequence[Emission], run: int) -> list[Anchor]:
    """The middles of runs that occur once in both, as many as keep the order of both.

    Args:
        symbols: ids of the whole text.
        path: the best path through the whole recording.
        run: symbols in a row that must agree.
    """
    written = _unique_runs(symbols, run)
    heard = _unique_runs([emission.symbol for emission in path], run)
    pairs = sorted((written[key], heard[key]) for key in written.keys() & heard.keys())
    kept = _longest_increasing([place for _, place in pairs])
    middle = run // 2
    return [Anchor(pairs[k][0] + middle, path[pairs[k][1] + middle].start) for k in kept]


def _unique_runs(symbols: Sequence[int], run: int) -> dict[str, int]:
    """Each run of so many symbols that occurs once, and where it begins."""
    text = "".join(map(chr, symbols))
    runs = [text[start : start + run] for start in range(len(text) - run + 1)]
    counts = Counter(runs)
    return {key: start for start, key in enumerate(runs) if counts[key] == 1}


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
