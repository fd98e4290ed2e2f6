"""Where in a long recording the utterances of a text are: anchors, then CTC segmentation.

L. Kürzinger, D. Winkelbauer, L. Li, T. Watzel, G. Rigoll, "CTC-Segmentation of Large Corpora for
German End-to-end Speech Recognition", SPECOM 2020, https://arxiv.org/abs/2007.09127

Its table has a cell for each symbol of the text and each step of a window: 5 GB for three hours
with the window that the package takes by default. Between anchors a table is small, and speech
without text, however long, cannot pull an utterance away from its place.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import ctc_segmentation
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.alignment.pieces import Piece, pieces
from audio_rnn.decoding.words import Emission
from audio_rnn.vocabulary import BLANK

LEAD = 2  # steps
IMPOSSIBLE = -100.0  # a log-probability
CELLS = 1 << 27  # of a table, 4 bytes each; a piece that needs more is aligned in a moving window

logging.getLogger("ctc_segmentation").addHandler(logging.NullHandler())
logging.getLogger("ctc_segmentation").propagate = False  # what it says, the result says as well


@dataclass(frozen=True)
class Place:
    """Steps of the first and last symbol of an utterance, found independently of each other."""

    first: int
    last: int


def locate(
    log_probs: NDArray[np.float32],
    utterances: Sequence[Sequence[int]],
    path: Sequence[Emission],
    space: int | None,
) -> list[Place | None]:
    """Places of utterances, given as ids, in log_probs (steps, symbols) with its best path.

    An utterance has none when there is less room for it than it has symbols. Anchors leave
    `space` out of account: between lines it is heard but not written.
    """
    letters = [[symbol for symbol in ids if symbol != space] for ids in utterances]
    heard = [emission for emission in path if emission.symbol != space]
    blocks: list[_Block] = []
    for piece in pieces(letters, heard, len(log_probs)):
        found = _within(log_probs, utterances, piece)
        while blocks and _first(found) <= blocks[-1].done:
            piece = _both(blocks.pop().piece, piece)
            found = _within(log_probs, utterances, piece)
        done = max([blocks[-1].done if blocks else -1, *(p.last for p in found if p)])
        blocks.append(_Block(piece, found, done))
    return [place for block in blocks for place in block.places]


@dataclass(frozen=True)
class _Block:
    """Utterances that were found together, so that each has its own steps, in their order."""

    piece: Piece
    places: list[Place | None]
    done: int  # last step that they or those before claim


def _within(
    log_probs: NDArray[np.float32], utterances: Sequence[Sequence[int]], piece: Piece
) -> list[Place | None]:
    own = utterances[piece.first : piece.last]
    part = [ids for ids in (piece.tail, *own, piece.head) if ids]
    skipped = 1 if piece.tail else 0
    found = segment(log_probs, part, piece.start, piece.end)
    return found[skipped : skipped + len(own)]


def _first(places: Sequence[Place | None]) -> float:
    return next((place.first for place in places if place), math.inf)


def _both(before: Piece, after: Piece) -> Piece:
    """Of two pieces that claim the same steps, as short lines and copies of one line may."""
    start, end = min(before.start, after.start), max(before.end, after.end)
    return Piece(before.first, after.last, start, end)


def sections(places: Sequence[Place | None], margin: int, start: int, end: int) -> list[slice]:
    """The steps in [start, end) around each place: `margin` on both sides, none of them twice.

    A neighbour that contradicts the order of the text is left out of account. Without a place
    there are no steps.
    """
    found = [place for place in places if place]
    after = [*found[1:], Place(end, end)]
    wide = []
    done = start
    for place, following in zip(found, after):
        first = max(start, place.first - margin, min(done, place.first))
        stop = min(end, place.last + margin + 1)
        if following.first > place.first:
            stop = min(stop, following.first)
        wide.append(slice(first, stop))
        done = stop
    remaining = iter(wide)
    return [next(remaining) if place else slice(0, 0) for place in places]


def segment(
    log_probs: NDArray[np.float32], utterances: Sequence[Sequence[int]], start: int, end: int
) -> list[Place | None]:
    """Places of utterances that are spoken somewhere in the steps [start, end)."""
    labels, begins = ctc_segmentation.prepare_token_list(
        ctc_segmentation.CtcSegmentationParameters(), [np.array(ids) for ids in utterances]
    )
    section = _with_silence(log_probs[start:end])
    if len(labels) > len(section):
        return [None] * len(utterances)
    window = min(len(section), CELLS // len(labels))
    parameters = ctc_segmentation.CtcSegmentationParameters(
        char_list=[""] * log_probs.shape[1],
        index_duration=1.0,
        min_window_size=window,
        max_window_size=window,
    )
    try:
        timings, _, _ = ctc_segmentation.ctc_segmentation(parameters, section, labels)
    except IndexError:  # its path left the window: the text is not here
        return [None] * len(utterances)
    steps = timings.astype(int) + start - LEAD
    return [Place(int(steps[a + 1]), int(steps[b - 1])) for a, b in pairwise(begins)]


def _with_silence(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """A blank is put around: the package gives the first two steps and the last one to no symbol."""
    silence = np.full((1, log_probs.shape[1]), IMPOSSIBLE, np.float32)
    silence[0, BLANK] = 0
    return np.concatenate([silence] * LEAD + [log_probs, silence])
