"""CTC decoding on numpy arrays: log-probabilities -> text with times and confidences."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary


@dataclass(frozen=True)
class Word:
    """A word with its start and end in seconds and a confidence in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Hypothesis:
    """Decoded text, its words, and the mean confidence of them (1 when there is none)."""

    text: str
    words: list[Word]
    confidence: float


@dataclass(frozen=True)
class Emission:
    """A symbol with the steps [start, end) in which it is the best one, and its log-probability."""

    symbol: int
    start: int
    end: int
    log_prob: float  # the highest of those steps


def greedy(
    log_probs: NDArray[np.float32], vocabulary: Vocabulary, step_seconds: float
) -> Hypothesis:
    """Best path decoding (Graves et al. 2006, section 3.2).

    Args:
        log_probs: (steps, symbols), blank first.
        vocabulary: gives the symbols their text.
        step_seconds: seconds a step.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != len(vocabulary):
        raise ValueError(
            f"log_probs: found shape {log_probs.shape}, expected (steps, {len(vocabulary)})"
        )
    words = [
        _word(group, vocabulary, step_seconds) for group in _words(best_path(log_probs), vocabulary)
    ]
    confidence = float(np.mean([word.confidence for word in words])) if words else 1.0
    return Hypothesis(SPACE.join(word.text for word in words), words, confidence)


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


def _words(path: list[Emission], vocabulary: Vocabulary) -> list[list[Emission]]:
    """Emissions grouped by word, bare spaces left out."""
    groups: list[list[Emission]] = [[]]
    for emission in path:
        if vocabulary.starts_word(emission.symbol):
            groups.append([])
        if vocabulary.symbols[emission.symbol] != SPACE:
            groups[-1].append(emission)
    return [group for group in groups if group and _text(group, vocabulary)]


def _text(group: list[Emission], vocabulary: Vocabulary) -> str:
    return vocabulary.decode([emission.symbol for emission in group])


def _word(group: list[Emission], vocabulary: Vocabulary, step_seconds: float) -> Word:
    confidence = float(np.exp(np.mean([emission.log_prob for emission in group])))
    start, end = group[0].start * step_seconds, group[-1].end * step_seconds
    return Word(_text(group, vocabulary), start, end, confidence)
