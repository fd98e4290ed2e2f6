"""Best path decoding (Graves et al. 2006, section 3.2) on numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.decoder import LONGEST, PAUSE, check_log_probs
from audio_rnn.decoding.hypothesis import Hypothesis
from audio_rnn.decoding.words import Emission, words_of
from audio_rnn.vocabulary import BLANK, Vocabulary


@dataclass(frozen=True)
class GreedyDecoder:
    """The best symbol of every step, repeats joined and blanks left out."""

    vocabulary: Vocabulary
    step_seconds: float

    def start(self) -> GreedyDecoding:
        """Begin a recording."""
        return GreedyDecoding(self.vocabulary, self.step_seconds)


class GreedyDecoding:
    """One recording being decoded; keeps the symbols of the open segment, whatever its length."""

    def __init__(self, vocabulary: Vocabulary, step_seconds: float) -> None:
        self.vocabulary, self.step_seconds = vocabulary, step_seconds
        self.steps = 0
        self.path: list[Emission] = []

    def feed(self, log_probs: NDArray[np.float32]) -> list[Hypothesis]:
        """The next steps (steps, symbols), blank first -> segments that are final now."""
        check_log_probs(log_probs, len(self.vocabulary))
        self._extend(best_path(log_probs))
        self.steps += len(log_probs)
        segments = self._segments()
        if segments and self.steps - segments[-1][-1].end < self._pause:
            self.path = segments.pop()
        else:
            self.path = []
        return self._hypotheses(segments)

    def partial(self) -> Hypothesis:
        """The open segment as it stands."""
        return self._hypothesis(self.path)

    def finish(self) -> list[Hypothesis]:
        """The open segment, if anything was said in it."""
        path, self.path = self.path, []
        return self._hypotheses([path])

    @property
    def _pause(self) -> int:
        return max(1, round(PAUSE / self.step_seconds))

    def _extend(self, path: list[Emission]) -> None:
        """Add what a piece gave; a symbol that went on across the cut stays one."""
        path = [e._replace(start=e.start + self.steps, end=e.end + self.steps) for e in path]
        last = self.path[-1] if self.path else None
        if last and path and (last.symbol, last.end) == (path[0].symbol, path[0].start):
            highest = max(last.log_prob, path[0].log_prob)
            self.path[-1] = last._replace(end=path[0].end, log_prob=highest)
            del path[0]
        self.path += path

    def _segments(self) -> list[list[Emission]]:
        longest = round(LONGEST / self.step_seconds)
        segments: list[list[Emission]] = []
        for emission in self.path:
            paused = not segments or emission.start - segments[-1][-1].end >= self._pause
            opens = self.vocabulary.starts_word(emission.symbol)
            if paused or (opens and emission.start - segments[-1][0].start >= longest):
                segments.append([])
            segments[-1].append(emission)
        return segments

    def _hypotheses(self, segments: list[list[Emission]]) -> list[Hypothesis]:
        return [h for h in map(self._hypothesis, segments) if h.words]

    def _hypothesis(self, path: list[Emission]) -> Hypothesis:
        return Hypothesis.of(words_of(path, self.vocabulary, self.step_seconds))


def best_path(log_probs: NDArray[np.float32]) -> list[Emission]:
    """(steps, symbols) -> the best symbol of each step, repeats joined and blanks left out."""
    best = log_probs.argmax(axis=1)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1))
    return [
        Emission(
            int(best[start]), int(start), int(end), float(log_probs[start:end, best[start]].max())
        )
        for start, end in pairwise(edges)
        if best[start] != BLANK
    ]
