"""What transcribing a file gives."""

from __future__ import annotations

from dataclasses import dataclass

from audio_rnn.decoding.hypothesis import Hypothesis, Word

TIME_DIGITS, CONFIDENCE_DIGITS = 3, 4
SHORTEST = 0.001  # seconds of a word; the last step of a model may begin where the sound ends
AHEAD_OF_SOUND = 1.0  # seconds by which a network may write a word before it is heard


@dataclass(frozen=True)
class Transcript:
    """The text of one recording; times in seconds, confidences in [0, 1]."""

    path: str
    text: str
    words: tuple[Word, ...]
    duration: float
    confidence: float


def presentable(hypothesis: Hypothesis, onset: float, duration: float) -> Hypothesis:
    """What a reader gets to see: nothing of digital silence, times inside the recording, no digits
    that depend on the batch.

    Args:
        hypothesis: of a recording, or of a part of it.
        onset: seconds at which the recording's sound begins.
        duration: seconds of the recording.
    """
    heard = [word for word in hypothesis.words if word.end >= onset - AHEAD_OF_SOUND]
    confidence = Hypothesis.of(heard).confidence
    words = [presentable_word(word, duration) for word in heard]
    return Hypothesis(Hypothesis.of(words).text, words, round(confidence, CONFIDENCE_DIGITS))


def presentable_word(word: Word, duration: float) -> Word:
    """A word with times inside a recording of `duration` seconds, and no more digits than mean much."""
    start = round(min(word.start, duration - SHORTEST), TIME_DIGITS)
    end = round(min(word.end, duration), TIME_DIGITS)
    return Word(word.text, max(0.0, start), end, round(word.confidence, CONFIDENCE_DIGITS))
