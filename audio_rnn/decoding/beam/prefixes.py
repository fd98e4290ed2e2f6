"""Prefixes that beam search has met, and what is added to their acoustic score.

Prefixes are nodes of an arena that grows. The language model, the open word and the hotwords of a
prefix depend on the prefix alone, so they are computed once, when its node is made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.spelling import CONTINUES, SPACES
from audio_rnn.decoding.beam.tables import NODES, Fusion, Neural
from audio_rnn.decoding.beam.trie import NONE, OUTSIDE, ROOT, child
from audio_rnn.decoding.compiled import lean
from audio_rnn.decoding.ngram.model import advance


@lean
def find_child(arena: NDArray[np.void], node: int, symbol: int) -> int:
    """The prefix `node` + `symbol`, or NONE when it was never made; the next to be asked for is
    likely the same, so it comes first in the list of children."""
    first = before = arena[node].child
    if first == NONE or arena[first].symbol == symbol:
        return first
    n = arena[first].sibling
    while n != NONE and arena[n].symbol != symbol:
        before, n = n, arena[n].sibling
    if n != NONE:
        arena[before].sibling = arena[n].sibling
        arena[n].sibling = first
        arena[node].child = n
    return n


@lean
def make_children(
    new: NDArray[np.void],
    unmet: int,
    count: int,
    best: float,
    floor: float,
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    fusion: Fusion,
    neural: Neural,
) -> tuple[int, float]:
    """Nodes for prefixes met for the first time. Those in `new` from `unmet` on have a parent, a
    symbol and a chance without their factor; if it is not below `floor` with it, they move behind
    the `count` that are known. How many are known then, and the best chance after `best`."""
    by_symbol, neural_too = len(fusion.symbol_ids) > 0, len(neural.scores) > 0
    for i in range(unmet, len(new)):
        node, symbol = new[i].parent, new[i].symbol
        extra, word, lm, hot = before(node, symbol, arena, fusion)
        spaces, row = fusion.kind[symbol] == SPACES, NONE
        if not spaces:
            earned, word, hot = spell(symbol, word, hot, fusion)
            extra += earned
        if spaces and arena[node].symbol == NONE:
            row = arena[node].row  # a space before all words writes nothing
        else:
            if by_symbol:  # as `tell`, whose call would take longer than all the rest
                log_prob, lm = advance(fusion.ngram, lm, fusion.symbol_ids[symbol])
                extra += fusion.lm_weight * log_prob
            if neural_too:
                extra += neural.scores[arena[node].row, symbol]
        gained = extra - arena[node].extra
        factor = np.exp(gained) if gained != 0 else 1.0
        chance = new[i].chance * factor
        if chance >= floor and chance > 0:
            made = add_node(node, symbol, arena, counts)
            arena[made].word, arena[made].lm, arena[made].hot = word, lm, hot
            arena[made].row, arena[made].extra, arena[made].factor = row, extra, factor
            new[count].chance, new[count].node = chance, made
            count, best = count + 1, max(best, chance)
    return count, best


@lean
def before(
    node: int, symbol: int, arena: NDArray[np.void], fusion: Fusion
) -> tuple[float, int, int, int]:
    """Extra score, open word, LM state and hotwords of a prefix that `symbol` shall follow: its word
    has ended unless the symbol continues it; -inf if it must not."""
    extra, word, lm, hot = arena[node].extra, arena[node].word, arena[node].lm, arena[node].hot
    kind = fusion.kind[symbol]
    if kind != CONTINUES and word != ROOT:
        if np.isnan(arena[node].ended):
            end_word(node, arena, fusion)
        extra, lm = arena[node].ended, arena[node].ended_lm
        hot, word = fusion.hotwords.follow[hot, len(fusion.kind)], ROOT
    elif kind == SPACES and arena[node].symbol == symbol:
        extra = -np.inf  # a space after a space writes nothing
    return extra, word, lm, hot


@lean
def spell(symbol: int, word: int, hot: int, fusion: Fusion) -> tuple[float, int, int]:
    """What the letters of `symbol` earn in an open word, the place in the trie and the hotwords after
    them."""
    trie, first_letter = fusion.trie, fusion.first_letter
    earned = fusion.hotwords.gain[hot, symbol]
    earned -= fusion.outside if word == OUTSIDE else trie.lookahead[word]
    for place in range(first_letter[symbol], first_letter[symbol + 1]):
        if word != OUTSIDE:
            word = child(trie.first, trie.symbol, word, fusion.letters[place])
        if word == OUTSIDE:
            earned -= fusion.letter_cost
    earned += fusion.outside if word == OUTSIDE else trie.lookahead[word]
    if word == OUTSIDE and fusion.closed:
        earned = -np.inf
    return earned, word, fusion.hotwords.follow[hot, symbol]


@lean
def add_node(parent: int, symbol: int, arena: NDArray[np.void], counts: NDArray[np.int64]) -> int:
    """A new row of the arena, among the children of its parent and not in the beam."""
    new = counts[NODES]
    counts[NODES] += 1
    arena[new].parent, arena[new].symbol = parent, symbol
    arena[new].child, arena[new].sibling = NONE, arena[parent].child
    arena[parent].child = new
    arena[new].slot, arena[new].ended = NONE, np.nan
    return new


@lean
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


@lean
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
