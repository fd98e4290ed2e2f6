"""Prefixes that beam search has met, and what is added to their acoustic score.

Prefixes are nodes of an arena that grows. The language model, the open word and the hotwords of a
prefix depend on the prefix alone, so they are computed once, when its node is made.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.hotwords import HotwordTables
from audio_rnn.decoding.beam.spelling import CONTINUES, SPACES
from audio_rnn.decoding.beam.trie import NONE, OUTSIDE, ROOT, Trie, child
from audio_rnn.decoding.ngram.model import NgramTables, advance

ALIVE, NODES, WANTED = 0, 1, 2  # places in `counts`: prefixes in the beam, in the arena, waiting


class Fusion(NamedTuple):
    """All that is added to the acoustic score."""

    kind: NDArray[np.int8]  # (symbols,) CONTINUES, OPENS or SPACES
    sounds: NDArray[np.int32]  # (symbols + 1,) what CTC takes for one symbol; the last of none
    letters: NDArray[np.int32]  # of all symbols
    first_letter: NDArray[np.int32]  # (symbols + 1,)
    trie: Trie
    closed: bool  # only words of the trie may be written
    outside: float  # lookahead of a word outside the trie
    word_ids: NDArray[np.int32]  # (words of the trie,) their ids in the word LM
    word_costs: NDArray[np.float32]  # (words of the trie,) nats, for those unknown to the word LM
    symbol_ids: NDArray[np.int32]  # (symbols,) their ids in the symbol LM; empty for none
    space: int  # the symbol that is one, or NONE
    ngram: NgramTables
    has_words: bool  # the n-gram model scores words
    unknown: int  # id of <unk>
    lm_weight: float
    word_bonus: float
    unknown_cost: float  # nats, for a word outside the trie
    hotwords: HotwordTables
    highest: float  # factor that a symbol inside a word can earn at most
    highest_end: float  # ... the end of a word


# One row a prefix, in one array: numba counts the references to every array that it takes out of
# a tuple, and that would cost more than the search.
ARENA = np.dtype(
    [
        ("extra", np.float64),  # score beside the acoustic one, lookahead included
        ("factor", np.float64),  # what it adds to that of the parent, as a factor of probability
        ("ended", np.float64),  # `extra` once the open word has ended; NaN until computed
        ("ended_lm", np.int32),
        ("parent", np.int32),
        ("symbol", np.int32),
        ("child", np.int32),  # the newest
        ("sibling", np.int32),
        ("slot", np.int32),  # place in the beam, or NONE
        ("word", np.int32),  # trie node of the open word; ROOT when none is open
        ("lm", np.int32),  # state of the n-gram model
        ("hot", np.int32),  # state of the hotwords
        ("row", np.int32),  # in Neural.scores, or NONE until it is wanted
    ]
)


class Neural(NamedTuple):
    """Weighted log-probabilities that a neural language model gives the next symbol."""

    scores: NDArray[np.float32]  # (rows, symbols), the blank being the end; no rows for no model
    wanted: NDArray[np.int32]  # (beam width,) nodes that need a row before the search can go on


@numba.njit(cache=True, nogil=True)
def find_child(arena: NDArray[np.void], node: int, symbol: int) -> int:
    """The prefix `node` + `symbol`, or NONE when it was never made."""
    n = arena[node].child
    while n != NONE and arena[n].symbol != symbol:
        n = arena[n].sibling
    return n


@numba.njit(cache=True, nogil=True)
def make_children(
    ways: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    fusion: Fusion,
    neural: Neural,
) -> None:
    """Nodes for prefixes met for the first time: `ways` has parent and symbol, and gets the node."""
    kinds, by_symbol, neural_too = fusion.kind, len(fusion.symbol_ids) > 0, len(neural.scores) > 0
    first_letter, letters = fusion.first_letter, fusion.letters
    first, letter_of, ahead = fusion.trie.first, fusion.trie.symbol, fusion.trie.lookahead
    follow, gain = fusion.hotwords.follow, fusion.hotwords.gain
    for i in range(len(ways)):
        node, symbol = ways[i].parent, ways[i].symbol
        extra, word, lm, hot = arena[node].extra, arena[node].word, arena[node].lm, arena[node].hot
        kind = kinds[symbol]
        if kind != CONTINUES and word != ROOT:
            if np.isnan(arena[node].ended):
                end_word(node, arena, fusion)
            extra, lm = arena[node].ended, arena[node].ended_lm
            hot, word = follow[hot, len(kinds)], ROOT
        elif kind == SPACES and arena[node].symbol == symbol:
            extra = -np.inf  # a space after a space writes nothing
        if kind != SPACES:
            extra += gain[hot, symbol]
            hot = follow[hot, symbol]
            before = fusion.outside if word == OUTSIDE else ahead[word]
            for place in range(first_letter[symbol], first_letter[symbol + 1]):
                if word != OUTSIDE:
                    word = child(first, letter_of, word, letters[place])
            extra += (fusion.outside if word == OUTSIDE else ahead[word]) - before
            if word == OUTSIDE and fusion.closed:
                extra = -np.inf
        row = NONE
        if kind == SPACES and arena[node].symbol == NONE:
            row = arena[node].row  # a space before all words writes nothing
        else:
            if by_symbol:  # as `tell`, whose call would take longer than all the rest
                log_prob, lm = advance(fusion.ngram, lm, fusion.symbol_ids[symbol])
                extra += fusion.lm_weight * log_prob
            if neural_too:
                extra += neural.scores[arena[node].row, symbol]
        ways[i].node = add_node(node, symbol, word, lm, hot, row, extra, arena, counts)


@numba.njit(cache=True, nogil=True)
def tell(
    node: int, symbol: int, lm: int, arena: NDArray[np.void], fusion: Fusion, neural: Neural
) -> tuple[float, int]:
    """What the models of symbols give `symbol` after a prefix, in n-gram state `lm`; the state after
    it."""
    extra = 0.0
    if len(fusion.symbol_ids):
        log_prob, lm = advance(fusion.ngram, lm, fusion.symbol_ids[symbol])
        extra += fusion.lm_weight * log_prob
    if len(neural.scores):
        extra += neural.scores[arena[node].row, symbol]
    return extra, lm


@numba.njit(cache=True, nogil=True)
def want_rows(
    ways: NDArray[np.void], arena: NDArray[np.void], counts: NDArray[np.int64], neural: Neural
) -> bool:
    """Whether a parent in `ways`, where each has its own in a row, still needs a row; all such into
    `wanted`."""
    last = NONE
    for i in range(len(ways)):
        node = ways[i].parent
        if arena[node].row == NONE and node != last:
            neural.wanted[counts[WANTED]] = node
            counts[WANTED] += 1
            last = node
    return counts[WANTED] > 0


@numba.njit(cache=True, nogil=True)
def add_node(
    parent: int,
    symbol: int,
    word: int,
    lm: int,
    hot: int,
    row: int,
    extra: float,
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
) -> int:
    """A new row of the arena."""
    new = counts[NODES]
    counts[NODES] += 1
    arena[new].parent, arena[new].symbol = parent, symbol
    arena[new].child, arena[new].sibling = NONE, arena[parent].child
    arena[parent].child = new
    arena[new].slot, arena[new].row = NONE, row
    arena[new].word, arena[new].lm, arena[new].hot = word, lm, hot
    arena[new].extra, arena[new].ended = extra, np.nan
    arena[new].factor = np.exp(extra - arena[parent].extra)
    return new


@numba.njit(cache=True, nogil=True)
def end_word(node: int, arena: NDArray[np.void], fusion: Fusion) -> tuple[float, int]:
    """Extra score and LM state once the word open at `node` has ended; -inf if it must not."""
    if not np.isnan(arena[node].ended):
        return arena[node].ended, arena[node].ended_lm
    word, lm = arena[node].word, arena[node].lm
    index = fusion.trie.word[word] if word != OUTSIDE else NONE
    lookahead = fusion.outside if word == OUTSIDE else fusion.trie.lookahead[word]
    extra = arena[node].extra - lookahead + fusion.word_bonus
    extra += fusion.hotwords.gain[arena[node].hot, len(fusion.kind)]
    if index == NONE and fusion.closed:
        extra = -np.inf
    elif fusion.has_words:
        known = fusion.word_ids[index] if index != NONE else fusion.unknown
        log_prob, lm = advance(fusion.ngram, lm, known)
        cost = fusion.word_costs[index] if index != NONE else fusion.unknown_cost
        extra += fusion.lm_weight * log_prob - cost
    arena[node].ended, arena[node].ended_lm = extra, lm
    return extra, lm
