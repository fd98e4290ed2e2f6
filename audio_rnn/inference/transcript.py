"""What transcribing a file gives."""

from __future__ import annotations

from dataclasses import dataclass

from audio_rnn.decoding.hypothesis import Word


@dataclass(frozen=True)
class Transcript:
    """The text of one recording; times in seconds, confidences in [0, 1]."""

    path: str
    text: str
    words: tuple[Word, ...]
    duration: float
    confidence: float


@dataclass(frozen=True)
class Failure:
    """A recording that could not be transcribed, and why."""

    path: str
    reason: str
