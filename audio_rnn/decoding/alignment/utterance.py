"""One line of a text, aligned with the steps in which it is spoken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.alignment.forced import SymbolSpan, align_symbols, steps_needed
from audio_rnn.decoding.alignment.lines import Line
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.vocabulary import SPACE, Vocabulary

WINDOW_SECONDS = 0.9  # of speech whose mean is taken for the confidence


@dataclass(frozen=True)
class Utterance:
    """A line of the text where it is spoken; seconds, confidences in [0, 1].

    One that is not found has no words, confidence 0 and the place where it was to be expected.
    """

    line: int  # from 1
    text: str
    start: float
    end: float
    confidence: float
    words: tuple[Word, ...]  # as they are written in the text
    symbols: tuple[Word, ...]  # of one symbol each, spaces left out


@dataclass(frozen=True)
class Posteriors:
    """log_probs (steps, symbols) of a recording, blank first, and what its axes mean."""

    log_probs: NDArray[np.float32]
    vocabulary: Vocabulary
    step_seconds: float

    @property
    def duration(self) -> float:
        """Seconds of all steps."""
        return len(self.log_probs) * self.step_seconds


def align_line(posteriors: Posteriors, line: Line, section: slice) -> Utterance:
    """The line with the times of its symbols, or not found where it has no room.

    The confidence of a word is the mean posterior of its symbols; that of an utterance the
    geometric mean of the posteriors on its path in the worst WINDOW_SECONDS (Kürzinger et al.
    2020, section 2.3, give its logarithm).
    """
    log_probs = posteriors.log_probs[section]
    if len(log_probs) < steps_needed(line.ids):
        return Utterance(line.number, line.text, 0.0, 0.0, 0.0, (), ())
    spans, scores = align_symbols(log_probs, line.ids)
    window = round(WINDOW_SECONDS / posteriors.step_seconds)
    confidence = worst_mean(scores[spans[0].start : spans[-1].end], window)
    times = [
        (
            (section.start + s.start) * posteriors.step_seconds,
            (section.start + s.end) * posteriors.step_seconds,
        )
        for s in spans
    ]
    words = tuple(_words(line, spans, times))
    symbols = tuple(
        Word(posteriors.vocabulary.symbols[symbol], *time, span.posterior)
        for symbol, span, time in zip(line.ids, spans, times)
        if posteriors.vocabulary.symbols[symbol] != SPACE
    )
    return Utterance(
        line.number, line.text, words[0].start, words[-1].end, confidence, words, symbols
    )


def worst_mean(log_probs: NDArray[np.float32], window: int) -> float:
    """The lowest geometric mean of `window` probabilities in a row, or of all when fewer."""
    window = min(window, len(log_probs))
    sums = np.cumsum(np.concatenate([[0.0], log_probs]))
    return float(np.exp((sums[window:] - sums[:-window]).min() / window))


def _words(
    line: Line, spans: Sequence[SymbolSpan], times: Sequence[tuple[float, float]]
) -> Iterator[Word]:
    done = 0
    for token in line.tokens:
        last = done + len(token.ids)
        posterior = float(np.mean([span.posterior for span in spans[done:last]]))
        yield Word(token.text, times[done][0], times[last - 1][1], posterior)
        done = last + (line.separator is not None)
