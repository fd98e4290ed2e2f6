"""The arrays of one beam search, from the start of a segment on."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram import advance
from audio_rnn.decoding.prefixes import ALIVE, ARENA, NODES, Fusion, Neural, end_word
from audio_rnn.decoding.search import (
    BEAM,
    COUNTS,
    NEW,
    SILENT,
    SPOKEN,
    STEPS,
    Pruning,
    search,
)
from audio_rnn.decoding.trie import NONE, ROOT

FIRST_NODES = 4096


class Start(NamedTuple):
    """What the search must know of everything before it."""

    lm: int  # state of the n-gram model
    hot: int  # state of the hotwords
    word: int = ROOT  # trie node of the open word
    symbol: int = NONE  # last symbol
    ends_blank: float = 1.0  # probability of having ended in a blank
    ends_symbol: float = 0.0  # ... in the last symbol


class SearchState:
    """Beam, prefixes and room to work in; `run` goes on through probabilities."""

    def __init__(self, start: Start, width: int, symbols: int) -> None:
        self.beam, self.scale = np.zeros(width, BEAM), np.zeros(1)
        self.arena = np.empty(FIRST_NODES + width * symbols, ARENA)
        self.counts = np.zeros(COUNTS, np.int64)
        self.new = np.empty(width * symbols, NEW)
        self.active = np.empty(symbols, np.int32)
        self.values = np.empty(width + width * symbols)
        self.neural = no_neural(symbols)
        self.restart(start)

    def restart(self, start: Start, steps: int = 0, spoken: bool = False) -> None:
        """Begin a segment with one prefix, the empty one; `steps` of it have been seen."""
        self.counts[:] = 0
        self.counts[[ALIVE, NODES, STEPS, SPOKEN]] = 1, 1, steps, spoken
        root = self.arena[0]
        root["word"], root["lm"], root["hot"] = start.word, start.lm, start.hot
        root["symbol"], root["slot"] = start.symbol, 0
        root["extra"], root["factor"], root["ended"] = 0.0, 1.0, np.nan
        for name in ("parent", "child", "sibling", "vector"):
            root[name] = NONE
        first = self.beam[0]
        first["node"], first["blank"], first["symbol"] = 0, start.ends_blank, start.ends_symbol
        first["total"] = start.ends_blank + start.ends_symbol
        self.scale[0] = 0.0

    def run(
        self,
        probs: NDArray[np.float32],
        start: int,
        fusion: Fusion,
        pruning: Pruning,
        pause: int,
        longest: int,
    ) -> tuple[int, int]:
        """Go on from step `start` of probs (steps, symbols); the step reached, and why the search
        stopped there."""
        return search(
            probs, start, self.beam, self.scale, self.arena, self.counts, self.new, self.active,
            self.values, fusion, self.neural, pruning, pause, longest,
        )  # fmt: skip

    def grow(self) -> None:
        """Twice the room for prefixes."""
        self.arena = np.concatenate([self.arena, self.arena])

    @property
    def alive(self) -> int:
        """Prefixes in the beam."""
        return int(self.counts[ALIVE])

    @property
    def silent(self) -> int:
        """Steps since the best symbol was last no blank."""
        return int(self.counts[SILENT])

    def leader(self) -> tuple[int, list[int]]:
        """Place of the best prefix in the beam, and its symbols."""
        place = np.argmax(self.beam["total"][: self.alive])
        return int(place), self.symbols(place[None])[0]

    def symbols(self, places: NDArray[np.int64]) -> list[list[int]]:
        """Symbols of prefixes in the beam, since the start of the segment."""
        symbols, ends = spell(self.arena, self.beam["node"][places])
        flat, starts = symbols.tolist(), [0, *ends.tolist()]
        return [flat[start:end] for start, end in pairwise(starts)]

    def ended(self, fusion: Fusion, end: int) -> NDArray[np.float64]:
        """Scores of the beam's prefixes were the open word over, and with `end` (an id of the
        LM, or NONE) the whole text; -inf where it cannot be."""
        scores = np.empty(self.alive)
        end_all(self.beam, float(self.scale[0]), self.arena, fusion, self.neural, end, scores)
        return scores

    def after_pause(self, place: int, fusion: Fusion) -> Start:
        """Where to go on from a prefix whose word is over."""
        node = self.beam["node"][place]
        hot, lm = int(self.arena[node]["hot"]), int(self.arena[node]["lm"])
        if self.arena[node]["word"] != ROOT:
            score, ended_lm = end_word(node, self.arena, fusion)
            lm = ended_lm if np.isfinite(score) else lm
            hot = int(fusion.hotwords.follow[hot, len(fusion.kind)])
        return Start(lm, hot)

    def in_word(self, place: int) -> Start:
        """Where to go on from a prefix as it is."""
        node = self.beam["node"][place]
        prefix, chances = self.arena[node], self.beam[place]
        return Start(
            int(prefix["lm"]), int(prefix["hot"]), int(prefix["word"]), int(prefix["symbol"]),
            float(chances["blank"]), float(chances["symbol"]),
        )  # fmt: skip


def no_neural(symbols: int) -> Neural:
    """No neural language model."""
    return Neural(np.zeros((0, symbols), np.float32), *(np.zeros(0, np.int32) for _ in range(3)))


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
        node = beam[i].node
        extra, lm, hot = arena[node].extra, arena[node].lm, arena[node].hot
        if arena[node].word != ROOT:
            extra, lm = end_word(node, arena, fusion)
            hot = fusion.hotwords.follow[hot, len(fusion.kind)]
        if end != NONE and extra > -np.inf:
            extra -= fusion.hotwords.refund[hot]
            if fusion.has_words or len(fusion.symbol_ids):
                extra += fusion.lm_weight * advance(fusion.ngram, lm, end)[0]
            if len(neural.scores):
                extra += neural.scores[arena[node].vector, 0]
        scores[i] = np.log(beam[i].total) + scale + extra - arena[node].extra
