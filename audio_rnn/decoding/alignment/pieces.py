"""A long text cut where it is sure what is heard, each piece with the steps it can be in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

import numpy as np

from audio_rnn.decoding.alignment.anchors import find_anchors
from audio_rnn.decoding.words import Emission

RUNS = (16, 8)  # symbols in a row that make an anchor: first anywhere, then between anchors


@dataclass(frozen=True)
class Piece:
    """Utterances [first, last) that are spoken somewhere in the steps [start, end).

    The steps begin with the end of the utterance before, whose symbols are `tail`, and end with
    the beginning of the one after, whose symbols are `head`; both may be unknown, and empty.
    """

    first: int
    last: int
    start: int
    end: int
    tail: tuple[int, ...] = ()
    head: tuple[int, ...] = ()


def pieces(
    utterances: Sequence[Sequence[int]], path: Sequence[Emission], steps: int
) -> Iterator[Piece]:
    """Pieces of a recording of so many steps, in order, from the best path through it.

    An utterance with an anchor is a piece, which may be spoken anywhere between the last anchor
    before it and the first one after it: what lies between may be spoken or not. Utterances
    without an anchor go together, so that they stay in order.
    """
    yield from _divide(utterances, path, Piece(0, len(utterances), 0, steps), RUNS)


def _divide(
    utterances: Sequence[Sequence[int]],
    path: Sequence[Emission],
    whole: Piece,
    runs: Sequence[int],
) -> Iterator[Piece]:
    """A piece cut at anchors, and between them again at shorter ones that are unique there."""
    if not runs or whole.last - whole.first == 1:
        yield whole
        return
    first, last = (
        bisect_left(path, step, key=attrgetter("start")) for step in (whole.start, whole.end)
    )
    part = utterances[whole.first : whole.last]
    symbols = [symbol for ids in part for symbol in ids]
    anchors = find_anchors(symbols, path[first:last], runs[0])
    begins = np.cumsum([0, *map(len, part)])
    owners = np.searchsorted(begins, [anchor.position for anchor in anchors], "right") - 1
    anchored = set(owners.tolist())
    for alone, group in groupby(range(len(part)), lambda u: u if u in anchored else None):
        members = list(group)
        begin, end = begins[[members[0], members[-1] + 1]].tolist()
        piece = replace(whole, first=whole.first + members[0], last=whole.first + members[-1] + 1)
        before, after = np.searchsorted(owners, [members[0], members[-1] + 1]).tolist()
        if before > 0:
            done = anchors[before - 1]
            piece = replace(piece, start=done.step, tail=tuple(symbols[done.position : begin]))
        if after < len(anchors):
            next_ = anchors[after]
            head = tuple(symbols[end : next_.position + 1])
            piece = replace(piece, end=next_.step + 1, head=head)
        if alone is None:
            yield from _divide(utterances, path, piece, runs[1:])
        else:
            yield replace(piece, tail=(), head=())
