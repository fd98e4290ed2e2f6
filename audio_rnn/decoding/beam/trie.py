"""Words spelled in the vocabulary's symbols, as a prefix tree in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.compiled import lean

ROOT = 0  # no symbol of a word yet
NONE = -1
OUTSIDE = -2  # where no word of the tree is spelled


class Trie(NamedTuple):
    """Node n's children are first[n] to first[n + 1] - 1; the root is node 0."""

    first: NDArray[np.int32]  # (nodes + 1,)
    symbol: NDArray[np.int32]  # (nodes,) what leads to the node
    word: NDArray[np.int32]  # (nodes,) index of the word that ends here, or NONE
    lookahead: NDArray[np.float32]  # (nodes,) highest score of a word at or below the node


def make_trie(spellings: Sequence[Sequence[int]], scores: NDArray[np.float32]) -> Trie:
    """The tree of words; the root's lookahead is 0, because no word has begun.

    Args:
        spellings: symbols of each word, one at least.
        scores: (words,) what a word is worth at best.
    """
    rows, lengths, order = _sorted_rows(spellings)
    parents = np.zeros(len(rows), np.int64)  # node that each word has reached
    symbols, above = [np.array([NONE])], [np.array([NONE])]
    words: dict[int, int] = {}
    nodes = 1
    for depth in range(rows.shape[1]):
        alive = np.flatnonzero(lengths > depth)
        keys = np.stack([parents[alive], rows[alive, depth]], 1)
        fresh = np.ones(len(keys), bool)
        fresh[1:] = (keys[1:] != keys[:-1]).any(1)
        parents[alive] = nodes + np.cumsum(fresh) - 1
        symbols.append(keys[fresh, 1])
        above.append(keys[fresh, 0])
        nodes += int(fresh.sum())
        ends = alive[lengths[alive] == depth + 1]
        words.update(zip(parents[ends].tolist(), order[ends].tolist()))
    return _assembled(np.concatenate(symbols), np.concatenate(above), words, scores)


def _sorted_rows(
    spellings: Sequence[Sequence[int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Spellings as rows filled up with NONE, in the order of a dictionary; lengths; origin."""
    lengths = np.array([len(spelling) for spelling in spellings], np.int64)
    rows = np.full((len(spellings), int(lengths.max(initial=0))), NONE, np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = [s for word in spellings for s in word]
    order = np.lexsort(rows.T[::-1]) if rows.size else np.arange(len(rows))
    return rows[order], lengths[order], order


def _assembled(
    symbols: NDArray[np.int64],
    above: NDArray[np.int64],
    words: dict[int, int],
    scores: NDArray[np.float32],
) -> Trie:
    nodes = len(symbols)
    first = 1 + np.searchsorted(above[1:], np.arange(nodes + 1))
    word = np.full(nodes, NONE, np.int32)
    word[list(words.keys())] = list(words.values())
    best = np.where(word >= 0, scores[word] if len(scores) else 0, -np.inf).astype(np.float32)
    for node in range(nodes - 1, 0, -1):
        best[above[node]] = max(best[above[node]], best[node])
    best[ROOT] = 0
    return Trie(first.astype(np.int32), symbols.astype(np.int32), word, best)


@lean
def child(first: NDArray[np.int32], symbols: NDArray[np.int32], node: int, symbol: int) -> int:
    """The node that `symbol` leads to in a Trie with these `first` and `symbol`, or OUTSIDE."""
    for n in range(first[node], first[node + 1]):
        if symbols[n] == symbol:
            return n
    return OUTSIDE
