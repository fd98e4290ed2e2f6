"""Tables of an n-gram model from its n-grams, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram.arpa_lines import Ngrams
from audio_rnn.decoding.ngram.backoff import ARC, EMPTY, NONE, STATE, NgramTables, advance, find

SLOTS_PER_NGRAM = 1.5  # more is quicker and larger


class BrokenNgramError(ValueError):
    """An n-gram that does not fit the others."""

    def __init__(self, order: int, place: int, reason: str) -> None:
        super().__init__(reason)
        self.order, self.place = order, place


def make_tables(orders: Sequence[Ngrams]) -> NgramTables:
    """Tables of the n-grams of each order. Unigram i must be of word i.

    Raises: BrokenNgramError for one that stands twice, or whose first words are no n-gram.
    """
    starts = _first_states([len(ngrams.words) for ngrams in orders])
    tables = _empty_tables(orders, starts[-1])
    goes_on = tables.states["backoff"] != 0
    for order, ngrams in enumerate(orders[1:], 2):
        start = starts[order - 1] if order < len(orders) else NONE
        bad = _enter(tables, ngrams.words, ngrams.log_probs, start, goes_on)
        if bad != NONE:
            twice = _context(tables, ngrams.words[bad]) != NONE
            reason = "stands twice" if twice else f"begins with what is no {order - 1}-gram"
            raise BrokenNgramError(order, bad, reason)
    tables = tables._replace(after=np.where(goes_on[tables.after], tables.after, EMPTY))
    for ngrams in orders[1:]:
        _link(tables, ngrams.words, goes_on)
    return tables


def list_ngrams(tables: NgramTables, counts: Sequence[int]) -> list[Ngrams]:
    """What tables were made of, sorted by word ids; `counts` are the n-grams of each order."""
    arcs = tables.arcs[tables.arcs["key"] != NONE]
    states = arcs["key"] >> 32
    starts = _first_states(counts)
    rows = np.arange(counts[0], dtype=np.int32)[:, None]  # of the n-grams that have a state
    orders = [Ngrams(rows, tables.unigrams, _backoffs(tables, tables.after, 1))]
    for order, (first, stop) in enumerate(pairwise(starts), 2):
        mine = arcs[(states >= first) & (states < stop)]
        keys, targets = mine["key"], mine["target"]
        words = np.column_stack([rows[(keys >> 32) - first], keys.astype(np.int32)])
        ngrams = Ngrams(words, mine["log_prob"], _backoffs(tables, targets, stop))
        orders.append(_sorted(ngrams))
        own = targets >= stop
        rows = np.zeros((counts[order - 1], order), np.int32)
        rows[targets[own] - stop] = words[own]
    return orders


def _sorted(ngrams: Ngrams) -> Ngrams:
    order = np.lexsort(ngrams.words.T[::-1])
    return Ngrams(ngrams.words[order], ngrams.log_probs[order], ngrams.backoffs[order])


def _first_states(counts: Sequence[int]) -> list[int]:
    """The first state of each order but the highest, which has none, and the number of states."""
    return [1 + sum(counts[:order]) for order in range(len(counts))]


def _empty_tables(orders: Sequence[Ngrams], states: int) -> NgramTables:
    """Tables of unigrams only, with room for the others."""
    contexts = np.zeros(states, STATE)
    contexts["backoff"][1:] = np.concatenate([n.backoffs for n in orders])[: states - 1]
    words = len(orders[0].words)
    size = 2 + int(SLOTS_PER_NGRAM * sum(len(ngrams.words) for ngrams in orders[1:]))
    return NgramTables(
        unigrams=orders[0].log_probs,
        after=np.arange(1, 1 + words, dtype=np.int32)
        if len(orders) > 1
        else np.zeros(words, np.int32),
        arcs=np.full(size, np.array((NONE, 0, NONE), ARC)),
        states=contexts,
    )


def _backoffs(tables: NgramTables, targets: NDArray[np.int32], first: int) -> NDArray[np.float32]:
    """Back-offs of n-grams whose own states begin at `first`; 0 for those that have none."""
    return np.where(targets >= first, tables.states[targets]["backoff"], np.float32(0))


@numba.njit(cache=True, nogil=True)
def _context(tables: NgramTables, row: NDArray[np.int32]) -> int:
    """The state of all words but the last, or NONE; as long as targets are n-grams themselves."""
    state = row[0] + 1
    for word in row[1:-1]:
        state = tables.arcs[find(tables.arcs, state, word)]["target"]
        if state == NONE:
            break
    return state


@numba.njit(cache=True, nogil=True)
def _enter(
    tables: NgramTables,
    rows: NDArray[np.int32],
    log_probs: NDArray[np.float32],
    start: int,
    goes_on: NDArray[np.bool_],
) -> int:
    """Enter n-grams of an order, the target of each its own state; the first bad one, or NONE."""
    for i in range(len(rows)):
        state = _context(tables, rows[i])
        if state == NONE:
            return i
        word = rows[i, -1]
        arc = tables.arcs[find(tables.arcs, state, word)]
        if arc["key"] != NONE:
            return i
        arc["key"] = np.int64(state) << 32 | np.int64(word)
        arc["log_prob"] = log_probs[i]
        arc["target"] = start + i if start != NONE else NONE
        goes_on[state] = True
    return NONE


@numba.njit(cache=True, nogil=True)
def _link(tables: NgramTables, rows: NDArray[np.int32], goes_on: NDArray[np.bool_]) -> None:
    """Suffixes of an order's states, and targets as short as they may be.

    All shorter n-grams must have theirs.
    """
    for i in range(len(rows)):
        state = _context(tables, rows[i])
        arc = tables.arcs[find(tables.arcs, state, rows[i, -1])]
        own = arc["target"]
        shorter = advance(tables, tables.states[state]["suffix"], rows[i, -1])[1]
        if own != NONE:
            tables.states[own]["suffix"] = shorter
        if own == NONE or not goes_on[own]:
            arc["target"] = shorter
