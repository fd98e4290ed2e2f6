"""An n-gram model as an automaton: states are contexts, and what is missing backs off.

A state is the longest suffix of the words so far that can still matter: words that no n-gram goes
on from are dropped, so that histories with the same future share a state, as in Heafield (2011),
KenLM: Faster and Smaller Language Model Queries.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

EMPTY = 0  # the state without context
NONE = -1


class NgramTables(NamedTuple):
    """Natural logarithms. N-grams of two words and more lie in a hash table, probed in a row."""

    unigrams: NDArray[np.float32]  # (words,) log p(word) without context
    after: NDArray[np.int32]  # (words,) state after the word without context
    keys: NDArray[np.int64]  # (slots,) state << 32 | word; NONE in a free slot
    log_probs: NDArray[np.float32]  # (slots,) log p(word | state)
    targets: NDArray[np.int32]  # (slots,) state after the word
    backoffs: NDArray[np.float32]  # (states,) added where the state lacks a word
    suffixes: NDArray[np.int32]  # (states,) where to look next


def no_tables() -> NgramTables:
    """No words."""
    floats, ints = np.zeros(0, np.float32), np.zeros(0, np.int32)
    return NgramTables(floats, ints, np.zeros(0, np.int64), floats, ints, floats, ints)


@numba.njit(cache=True, nogil=True)
def advance(tables: NgramTables, state: int, word: int) -> tuple[float, int]:
    """Natural-log p(word | state), and the state after the word."""
    log_prob = 0.0
    while state != EMPTY:
        slot = find(tables.keys, state, word)
        if tables.keys[slot] != NONE:
            return log_prob + tables.log_probs[slot], tables.targets[slot]
        log_prob += tables.backoffs[state]
        state = tables.suffixes[state]
    return log_prob + tables.unigrams[word], tables.after[word]


@numba.njit(cache=True, nogil=True)
def find(keys: NDArray[np.int64], state: int, word: int) -> int:
    """The slot of an n-gram, or the free one where it would be."""
    key = np.int64(state) << 32 | np.int64(word)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio
    slot = int(np.int64(((mixed >> np.uint64(32)) * np.uint64(len(keys))) >> np.uint64(32)))
    while keys[slot] != key and keys[slot] != NONE:
        slot += 1
        if slot == len(keys):
            slot = 0
    return slot
