"""What the prefixes of a beam score once it has ended, and where the next segment begins."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.prefixes import end_word, tell
from audio_rnn.decoding.beam.tables import (
    ALIVE,
    COUNTS,
    NODES,
    SPOKEN,
    STEPS,
    Fusion,
    Neural,
    Room,
)
from audio_rnn.decoding.beam.trie import NONE, ROOT
from audio_rnn.decoding.compiled import lean
from audio_rnn.decoding.ngram.model import advance
from audio_rnn.vocabulary import BLANK


class Start(NamedTuple):
    """What the search must know of everything before it."""

    lm: int  # state of the n-gram model
    hot: int  # state of the hotwords
    word: int = ROOT  # trie node of the open word
    symbol: int = NONE  # last symbol
    ends_blank: float = 1.0  # probability of having ended in a blank
    ends_symbol: float = 0.0  # ... in the last symbol
    row: int = 0  # of the neural model


@lean
def begin(room: Room, start: Start, steps: int, spoken: bool) -> None:
    """Begin a segment with one prefix, the empty one; `steps` of it have been seen."""
    counts, root, first = room.counts, room.arena[0], room.beam[0]
    for i in range(COUNTS):
        counts[i] = 0
    counts[ALIVE], counts[NODES], counts[STEPS], counts[SPOKEN] = 1, 1, steps, spoken
    root.word, root.lm, root.hot, root.symbol = start.word, start.lm, start.hot, start.symbol
    root.slot, root.row, root.extra, root.factor, root.ended = 0, start.row, 0.0, 1.0, np.nan
    root.parent = root.child = root.sibling = NONE
    first.node, first.parent, first.last, first.factor = 0, NONE, start.symbol, 1.0
    first.blank, first.symbol = start.ends_blank, start.ends_symbol
    first.total = start.ends_blank + start.ends_symbol
    room.scale[0] = 0.0


@lean
def end_all(
    room: Room, fusion: Fusion, neural: Neural, end: int, scores: NDArray[np.float64]
) -> None:
    """Scores of all prefixes with the open word ended, and the text with `end` unless NONE."""
    beam, arena, scale = room.beam, room.arena, room.scale[0]
    asks = fusion.has_words or len(fusion.symbol_ids) > 0
    for i in range(room.counts[ALIVE]):
        node = text = beam[i].node
        if end != NONE and arena[node].symbol == fusion.space and arena[node].parent != NONE:
            text = arena[node].parent  # a space after all words writes nothing
        extra, lm, hot = arena[text].extra, arena[text].lm, arena[text].hot
        if arena[text].word != ROOT:
            extra, lm = end_word(text, arena, fusion)
            hot = fusion.hotwords.follow[hot, len(fusion.kind)]
            if end == NONE and fusion.space != NONE:
                extra += tell(text, fusion.space, lm, arena, fusion, neural)[0]
        if end != NONE and extra > -np.inf:
            extra -= fusion.hotwords.refund[hot]
            if asks:
                extra += fusion.lm_weight * advance(fusion.ngram, lm, end)[0]
            if len(neural.scores):
                extra += neural.scores[arena[text].row, BLANK]
        scores[i] = np.log(beam[i].total) + scale + extra - arena[node].extra


@lean
def after_pause(
    node: int, arena: NDArray[np.void], fusion: Fusion, neural: Neural
) -> tuple[int, int, bool]:
    """Where to go on from a prefix whose word is over: states of the n-gram model and the hotwords,
    and whether models of symbols have heard a space."""
    lm, hot = arena[node].lm, arena[node].hot
    if arena[node].word == ROOT:
        return lm, hot, False
    score, ended_lm = end_word(node, arena, fusion)
    if np.isfinite(score):
        lm = ended_lm
    hot = fusion.hotwords.follow[hot, len(fusion.kind)]
    if fusion.space == NONE:
        return lm, hot, False
    return tell(node, fusion.space, lm, arena, fusion, neural)[1], hot, True


@numba.njit(cache=True, nogil=True)
def grown(room: Room) -> Room:
    """The same with twice as many nodes."""
    arena = np.concatenate((room.arena, room.arena))
    return Room(
        room.beam, arena, room.counts, room.scale, room.new, room.active, room.probs, room.values
    )
