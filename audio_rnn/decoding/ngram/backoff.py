"""An n-gram model as an automaton: states are contexts, and what is missing backs off.

A state is the longest suffix of the words so far that can still matter: words that no n-gram goes
on from are dropped, so that histories with the same future share a state, as in Heafield (2011),
KenLM: Faster and Smaller Language Model Queries.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.compiled import lean

EMPTY = 0  # the state without context
NONE = -1


ARC = np.dtype([("key", np.int64), ("log_prob", np.float32), ("target", np.int32)])
STATE = np.dtype([("backoff", np.float32), ("suffix", np.int32)])


class NgramTables(NamedTuple):
    """Natural logarithms; what is asked for together lies together.

    N-grams of two words and more are slots of a hash table, probed in a row: the `key` is the state
    before the last word << 32 | that word, or NONE in a free slot; `log_prob` is that of the word
    in that state; `target` is the state after it. A state that lacks a word adds its `backoff`, and
    its `suffix` is asked next.
    """

    unigrams: NDArray[np.float32]  # (words,) log p(word) without context
    after: NDArray[np.int32]  # (words,) state after the word without context
    arcs: NDArray[np.void]  # (slots,) ARC
    states: NDArray[np.void]  # (states,) STATE


def no_tables() -> NgramTables:
    """No words."""
    return NgramTables(
        np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(0, ARC), np.zeros(0, STATE)
    )


@lean
def advance(tables: NgramTables, state: int, word: int) -> tuple[float, int]:
    """Natural-log p(word | state), and the state after the word."""
    log_prob = 0.0
    while state != EMPTY:
        arc = tables.arcs[find(tables.arcs, state, word)]
        if arc["key"] != NONE:
            return log_prob + arc["log_prob"], arc["target"]
        log_prob += tables.states[state]["backoff"]
        state = tables.states[state]["suffix"]
    return log_prob + tables.unigrams[word], tables.after[word]


@lean
def find(arcs: NDArray[np.void], state: int, word: int) -> int:
    """The slot of an n-gram, or the free one where it would be."""
    key = np.int64(state) << 32 | np.int64(word)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio
    slot = int(np.int64(((mixed >> np.uint64(32)) * np.uint64(len(arcs))) >> np.uint64(32)))
    while arcs[slot]["key"] != key and arcs[slot]["key"] != NONE:
        slot += 1
        if slot == len(arcs):
            slot = 0
    return slot
