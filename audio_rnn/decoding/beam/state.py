"""One beam search, from the start of a segment on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.endings import Start, after_pause, begin, end_all, grown
from audio_rnn.decoding.beam.neural import Rows
from audio_rnn.decoding.beam.search import FULL, WAITS, search
from audio_rnn.decoding.beam.tables import ALIVE, LEADER, WANTED, Fusion, Neural, Pruning, make_room
from audio_rnn.decoding.beam.texts import merge, spell
from audio_rnn.decoding.beam.trie import NONE


class SearchState:
    """Beam, prefixes and room to work in; `run` goes on through log-probabilities."""

    def __init__(
        self, start: Start, width: int, symbols: int, pruning: Pruning, rows: Rows | None = None
    ) -> None:
        self.room, self.pruning = make_room(width, symbols, pruning.symbols), pruning
        self.rows, self.wanted = rows, np.empty(width, np.int32)
        self.no_scores = np.zeros((0, symbols), np.float32)
        self.restart(start)

    def restart(self, start: Start, steps: int = 0, spoken: bool = False) -> None:
        """Begin a segment with one prefix, the empty one; `steps` of it have been seen."""
        if self.rows is not None:
            self.rows.keep(start.row)
        begin(self.room, start._replace(row=0 if self.rows else NONE), steps, spoken)

    def run(
        self, log_probs: NDArray[np.float32], start: int, fusion: Fusion, pause: int, longest: int
    ) -> tuple[int, int]:
        """Go on from step `start` of log_probs (steps, symbols); the step reached, and why the
        search stopped there."""
        why = WAITS
        while why in (WAITS, FULL):
            start, why = search(
                log_probs, start, len(log_probs), self.room, fusion, self._neural, self.pruning,
                pause, longest,
            )  # fmt: skip
            if why == WAITS:
                self._fill(self.wanted[: self.room.counts[WANTED]])
                self.room.counts[WANTED] = 0
            elif why == FULL:
                self.room = grown(self.room)
        return start, why

    @property
    def alive(self) -> int:
        """Prefixes in the beam."""
        return int(self.room.counts[ALIVE])

    def leader(self) -> tuple[int, list[int]]:
        """Place of the best prefix in the beam, and its symbols."""
        place = int(self.room.counts[LEADER])
        return place, self.symbols(np.array([place]))[0]

    def symbols(self, places: NDArray[np.int64]) -> list[list[int]]:
        """Symbols of prefixes in the beam, since the start of the segment."""
        symbols, ends = spell(self.room.arena, self.room.beam["node"][places])
        flat, starts = symbols.tolist(), [0, *ends.tolist()]
        return [flat[start:end] for start, end in pairwise(starts)]

    def ended(self, fusion: Fusion, end: int) -> NDArray[np.float64]:
        """Scores of the beam's prefixes were the open word over, and with `end` (an id of the
        LM, or NONE) the whole text; -inf where it cannot be."""
        scores = np.empty(self.alive)
        self._fill(self.room.beam["node"][: self.alive])
        end_all(self.room, fusion, self._neural, end, scores)
        return scores

    def merged(
        self, scores: NDArray[np.float64], places: NDArray[np.int64], fusion: Fusion
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Of the prefixes at `places`, the best of each text, and the score of those that write it."""
        return merge(self.room.beam, places, scores, self.room.arena, fusion)

    def after_pause(self, place: int, fusion: Fusion) -> Start:
        """Where to go on from a prefix whose word is over; models of symbols hear a space."""
        node = self.room.beam["node"][place]
        self._fill(node[None])
        row = int(self.room.arena["row"][node])
        lm, hot, parted = after_pause(node, self.room.arena, fusion, self._neural)
        return Start(lm, hot, row=self._add(row, fusion.space) if parted else row)

    def in_word(self, place: int) -> Start:
        """Where to go on from a prefix as it is."""
        node = self.room.beam["node"][place]
        self._fill(node[None])
        prefix, chances = self.room.arena[node], self.room.beam[place]
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
        arena = self.room.arena
        nodes = nodes[arena["row"][nodes] == NONE]
        if len(nodes):
            arena["row"][nodes] = self.rows.add(
                arena["row"][arena["parent"][nodes]], arena["symbol"][nodes]
            )

    def _add(self, row: int, symbol: int) -> int:
        """The row after one more symbol."""
        if self.rows is None:
            return row
        return int(self.rows.add(np.array([row]), np.array([symbol]))[0])
