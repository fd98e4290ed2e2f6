"""The arrays of one beam search, from the start of a segment on."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.endings import end_all, spell
from audio_rnn.decoding.beam.neural import Rows
from audio_rnn.decoding.beam.prefixes import (
    ALIVE,
    ARENA,
    NODES,
    WANTED,
    Fusion,
    Neural,
    end_word,
    tell,
)
from audio_rnn.decoding.beam.search import (
    BEAM,
    COUNTS,
    NEW,
    SILENT,
    SPOKEN,
    STEPS,
    WAITS,
    Pruning,
    search,
)
from audio_rnn.decoding.beam.trie import NONE, ROOT

FIRST_NODES = 4096


class Start(NamedTuple):
    """What the search must know of everything before it."""

    lm: int  # state of the n-gram model
    hot: int  # state of the hotwords
    word: int = ROOT  # trie node of the open word
    symbol: int = NONE  # last symbol
    ends_blank: float = 1.0  # probability of having ended in a blank
    ends_symbol: float = 0.0  # ... in the last symbol
    row: int = 0  # of the neural model


class SearchState:
    """Beam, prefixes and room to work in; `run` goes on through probabilities."""

    def __init__(self, start: Start, width: int, symbols: int, rows: Rows | None = None) -> None:
        self.beam, self.scale = np.zeros(width, BEAM), np.zeros(1)
        self.arena = np.empty(FIRST_NODES + width * symbols, ARENA)
        self.counts = np.zeros(COUNTS, np.int64)
        self.new = np.empty(width * symbols, NEW)
        self.active = np.empty(symbols, np.int32)
        self.values = np.empty(width + width * symbols)
        self.rows, self.wanted = rows, np.empty(width, np.int32)
        self.no_scores = np.zeros((0, symbols), np.float32)
        self.restart(start)

    def restart(self, start: Start, steps: int = 0, spoken: bool = False) -> None:
        """Begin a segment with one prefix, the empty one; `steps` of it have been seen."""
        self.counts[:] = 0
        self.counts[[ALIVE, NODES, STEPS, SPOKEN]] = 1, 1, steps, spoken
        root = self.arena[0]
        root["word"], root["lm"], root["hot"] = start.word, start.lm, start.hot
        root["symbol"], root["slot"] = start.symbol, 0
        root["extra"], root["factor"], root["ended"] = 0.0, 1.0, np.nan
        for name in ("parent", "child", "sibling", "row"):
            root[name] = NONE
        if self.rows is not None:
            self.rows.keep(start.row)
            root["row"] = 0
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
        why = WAITS
        while why == WAITS:
            start, why = search(
                probs, start, self.beam, self.scale, self.arena, self.counts, self.new, self.active,
                self.values, fusion, self._neural, pruning, pause, longest,
            )  # fmt: skip
            self._fill(self.wanted[: self.counts[WANTED]])
            self.counts[WANTED] = 0
        return start, why

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
        place = int(np.argmax(self.beam["total"][: self.alive]))
        return place, self.symbols(np.array([place]))[0]

    def symbols(self, places: NDArray[np.int64]) -> list[list[int]]:
        """Symbols of prefixes in the beam, since the start of the segment."""
        symbols, ends = spell(self.arena, self.beam["node"][places])
        flat, starts = symbols.tolist(), [0, *ends.tolist()]
        return [flat[start:end] for start, end in pairwise(starts)]

    def ended(self, fusion: Fusion, end: int) -> NDArray[np.float64]:
        """Scores of the beam's prefixes were the open word over, and with `end` (an id of the
        LM, or NONE) the whole text; -inf where it cannot be."""
        scores = np.empty(self.alive)
        self._fill(self.beam["node"][: self.alive])
        end_all(self.beam, float(self.scale[0]), self.arena, fusion, self._neural, end, scores)
        return scores

    def after_pause(self, place: int, fusion: Fusion) -> Start:
        """Where to go on from a prefix whose word is over; models of symbols hear a space."""
        node = self.beam["node"][place]
        self._fill(node[None])
        hot, lm, row = (int(self.arena[node][name]) for name in ("hot", "lm", "row"))
        if self.arena[node]["word"] != ROOT:
            score, ended_lm = end_word(node, self.arena, fusion)
            lm = ended_lm if np.isfinite(score) else lm
            hot = int(fusion.hotwords.follow[hot, len(fusion.kind)])
            if fusion.space != NONE:
                lm = tell(node, fusion.space, lm, self.arena, fusion, self._neural)[1]
                row = self._add(row, fusion.space)
        return Start(lm, hot, row=row)

    def in_word(self, place: int) -> Start:
        """Where to go on from a prefix as it is."""
        node = self.beam["node"][place]
        self._fill(node[None])
        prefix, chances = self.arena[node], self.beam[place]
        return Start(
            int(prefix["lm"]), int(prefix["hot"]), int(prefix["word"]), int(prefix["symbol"]),
            float(chances["blank"]), float(chances["symbol"]), int(prefix["row"]),
        )  # fmt: skip

    @property
    def _neural(self) -> Neural:
        return Neural(self.no_scores if self.rows is None else self.rows.scores, self.wanted)

    def _fill(self, nodes: NDArray[np.int32]) -> None:
        """Rows of the neural model for those nodes that have none, from those of their parents."""
        if self.rows is None:
            return
        nodes = nodes[self.arena["row"][nodes] == NONE]
        if len(nodes):
            parents = self.arena["parent"][nodes]
            symbols = self.arena["symbol"][nodes]
            self.arena["row"][nodes] = self.rows.add(self.arena["row"][parents], symbols)

    def _add(self, row: int, symbol: int) -> int:
        """The row after one more symbol."""
        if self.rows is None:
            return row
        return int(self.rows.add(np.array([row]), np.array([symbol]))[0])
