"""What the prefixes of a beam write, and what they score once it has ended."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.prefixes import Fusion, Neural, end_word, tell
from audio_rnn.decoding.beam.trie import NONE, ROOT
from audio_rnn.decoding.ngram.model import advance
from audio_rnn.vocabulary import BLANK


@numba.njit(cache=True, nogil=True)
def spell(
    arena: NDArray[np.void], nodes: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Symbols of prefixes, the root's own left out, one after the other; where each ends."""
    ends = np.zeros(len(nodes), np.int64)
    for i in range(len(nodes)):
        node = nodes[i]
        ends[i] = ends[i - 1] if i else 0
        while arena[node].parent != NONE:
            ends[i] += 1
            node = arena[node].parent
    symbols = np.empty(ends[-1] if len(nodes) else 0, np.int32)
    for i in range(len(nodes)):
        node, place = nodes[i], ends[i]
        while arena[node].parent != NONE:
            place -= 1
            symbols[place] = arena[node].symbol
            node = arena[node].parent
    return symbols, ends


@numba.njit(cache=True, nogil=True)
def end_all(
    beam: NDArray[np.void],
    scale: float,
    arena: NDArray[np.void],
    fusion: Fusion,
    neural: Neural,
    end: int,
    scores: NDArray[np.float64],
) -> None:
    """Scores of all prefixes with the open word ended, and the text with `end` unless NONE."""
    for i in range(len(scores)):
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
            if fusion.has_words or len(fusion.symbol_ids):
                extra += fusion.lm_weight * advance(fusion.ngram, lm, end)[0]
            if len(neural.scores):
                extra += neural.scores[arena[text].row, BLANK]
        scores[i] = np.log(beam[i].total) + scale + extra - arena[node].extra
