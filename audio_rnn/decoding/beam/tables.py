"""What the search reads, and the arrays that it works in.

One row is one array element of several fields, and few arrays hold all: numba counts the references
to every array that it takes out of a tuple, and that would cost more than the search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.hotwords import HotwordTables
from audio_rnn.decoding.beam.trie import Trie
from audio_rnn.decoding.ngram.model import NgramTables

# Places in `Room.counts`: prefixes in the beam, in the arena, waiting for the neural model; steps
# without a symbol; whether one came; all steps; place of the best prefix; whether all end in a blank.
ALIVE, NODES, WANTED, SILENT, SPOKEN, STEPS, LEADER, SETTLED = range(8)
COUNTS = 8


class Fusion(NamedTuple):
    """All that is added to the acoustic score."""

    kind: NDArray[np.int8]  # (symbols,) CONTINUES, OPENS or SPACES
    sounds: NDArray[np.int32]  # (symbols + 1,) what CTC takes for one symbol; the last of none
    letters: NDArray[np.int32]  # of all symbols
    first_letter: NDArray[np.int32]  # (symbols + 1,)
    trie: Trie
    closed: bool  # only words of the trie may be written
    outside: float  # lookahead of a word outside the trie
    texts: NDArray[np.int32]  # (words of the trie,) the same for all spellings of a word
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
    letter_cost: float  # nats, for each letter that leads out of the trie or follows one
    hotwords: HotwordTables
    highest: float  # factor that a symbol inside a word can earn at most
    highest_start: float  # ... that begins one
    highest_end: float  # ... the end of a word


class Neural(NamedTuple):
    """Weighted log-probabilities that a neural language model gives the next symbol."""

    scores: NDArray[np.float32]  # (rows, symbols), the blank being the end; no rows for no model
    wanted: NDArray[np.int32]  # (beam width,) nodes that need a row before the search can go on


class Pruning(NamedTuple):
    """What is not looked at."""

    symbols: int  # most symbols tried a step
    floor: float  # log-probability below which a symbol is not tried
    beam: float  # share of the best prefix's probability below which a prefix is dropped


ARENA = np.dtype(  # all prefixes that were ever likely
    [
        ("extra", np.float64),  # score beside the acoustic one, lookahead included
        ("factor", np.float64),  # what it adds to that of the parent, as a factor of probability
        ("ended", np.float64),  # `extra` once the open word has ended; NaN until computed
        ("ended_lm", np.int32),
        ("parent", np.int32),
        ("symbol", np.int32),
        ("child", np.int32),  # the first of a list
        ("sibling", np.int32),  # the next of that list
        ("slot", np.int32),  # place in the beam, or NONE
        ("word", np.int32),  # trie node of the open word; ROOT when none is open
        ("lm", np.int32),  # state of the n-gram model
        ("hot", np.int32),  # state of the hotwords
        ("row", np.int32),  # in Neural.scores, or NONE until it is wanted
    ],
    align=True,
)
BEAM = np.dtype(  # the prefixes alive, in no order
    [
        ("blank", np.float64),  # probability of the prefix ending in a blank
        ("symbol", np.float64),  # ... in its last symbol
        ("total", np.float64),
        ("ends", np.float64),  # `symbol` after the step that is being made
        ("score", np.float64),  # `total` after it
        ("factor", np.float64),  # as in the arena, and so are those below
        ("node", np.int32),
        ("parent", np.int32),
        ("last", np.int32),  # symbol
    ],
    align=True,
)
NEW = np.dtype(  # prefixes that may be new to the beam
    [("chance", np.float64), ("node", np.int32), ("parent", np.int32), ("symbol", np.int32)],
    align=True,
)


class Room(NamedTuple):
    """The arrays of one search; `make_room` says how large they are."""

    beam: NDArray[np.void]
    arena: NDArray[np.void]
    counts: NDArray[np.int64]
    scale: NDArray[np.float64]  # (1,) logarithm of what the beam's probabilities are divided by
    new: NDArray[np.void]  # this and those below are room for one step
    active: NDArray[np.int32]  # symbols tried
    probs: NDArray[np.float64]  # of the symbols tried, 0 for others
    values: NDArray[np.float64]


def make_room(width: int, symbols: int, tried: int, nodes: int = 4096) -> Room:
    """Room for `width` prefixes of `symbols`, of which at most `tried` are tried in a step."""
    most = width * min(tried, symbols)
    return Room(
        np.zeros(width, BEAM),
        np.empty(nodes + most, ARENA),
        np.zeros(COUNTS, np.int64),
        np.zeros(1),
        np.empty(most, NEW),
        np.empty(symbols, np.int32),
        np.zeros(symbols),
        np.empty(width + most),
    )
