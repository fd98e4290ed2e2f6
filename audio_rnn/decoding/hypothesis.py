"""What decoding gives: text, its words with times and confidences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audio_rnn.vocabulary import SPACE


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

    @classmethod
    def of(cls, words: list[Word]) -> Hypothesis:
        """The hypothesis that consists of these words."""
        confidence = sum(word.confidence for word in words) / len(words) if words else 1.0
        return cls(SPACE.join(word.text for word in words), words, confidence)


def joined(segments: Iterable[Hypothesis]) -> Hypothesis:
    """Segments of one recording as one hypothesis."""
    return Hypothesis.of([word for segment in segments for word in segment.words])
