"""A trained speech model at work on a recording whose text is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.audio import Source, read_blocks, source_name
from audio_rnn.decoding.alignment.edges import HOP
from audio_rnn.decoding.alignment.gaps import Gap
from audio_rnn.decoding.alignment.lines import Line, spell
from audio_rnn.decoding.alignment.text import align
from audio_rnn.decoding.alignment.utterance import Posteriors, Utterance
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.device import choose_device
from audio_rnn.errors import AlignmentError
from audio_rnn.inference.loudness import SILENCE, LoudnessMeter
from audio_rnn.inference.sweep import gathered, log_prob_pieces
from audio_rnn.inference.transcript import TIME_DIGITS, presentable_word
from audio_rnn.models.speech import SpeechModel


@dataclass(frozen=True)
class Alignment:
    """A text in its recording; seconds."""

    path: str
    duration: float
    utterances: tuple[Utterance, ...]
    gaps: tuple[Gap, ...]  # speech without text


@dataclass(frozen=True, eq=False)
class Heard:
    """What is kept of a recording: 4 bytes for each symbol and step, and 400 for each second."""

    path: str
    duration: float  # seconds
    posteriors: Posteriors
    loudness: NDArray[np.float32]  # (values,) dB, one for each `edges.HOP` seconds


class Aligner:
    """A recording and its text -> times and confidences of utterances, words and symbols."""

    def __init__(
        self, model: SpeechModel, device: str = "auto", channel: int | None = None
    ) -> None:
        """`channel` is the one to hear, all mixed when None. Raises ConfigError."""
        self.model = model.to(choose_device(device)).eval()
        self.channel = channel

    @classmethod
    def load(cls, folder: Path, device: str = "auto", channel: int | None = None) -> Aligner:
        """The model in a run folder or model folder. Raises ModelError, ConfigError."""
        return cls(SpeechModel.load(folder), device, channel)

    def align(self, path: Source, text: Iterable[str]) -> Alignment:
        """A recording of any length and its text, one utterance a line; blank lines are skipped.

        Raises: VocabularyError for a line that cannot be spelled, AlignmentError for a text that
            is empty or longer than the recording, AudioError, StorageError.
        """
        lines = self.spell(text)
        return self.place(lines, self.hear(path))

    def spell(self, text: Iterable[str]) -> list[Line]:
        """Lines in the symbols of the model. Raises VocabularyError, AlignmentError."""
        lines = spell(text, self.model.vocabulary)
        if not lines:
            raise AlignmentError("found no text, expected one utterance a line")
        return lines

    def hear(self, path: Source) -> Heard:
        """The model's log-probabilities of a whole file. Raises AudioError, StorageError."""
        rate = self.model.features.config.sample_rate
        meter = LoudnessMeter(rate)

        def measured() -> Iterator[np.ndarray]:
            for block in read_blocks(path, rate, channel=self.channel):
                meter.add(block)
                yield block

        with torch.inference_mode():
            frames = self.model.features.static_pieces(measured())
            log_probs = gathered(log_prob_pieces(self.model, frames), len(self.model.vocabulary))
        posteriors = Posteriors(log_probs, self.model.vocabulary, self.model.step_seconds)
        return Heard(source_name(path), meter.samples / rate, posteriors, meter.values())

    def place(self, lines: Sequence[Line], heard: Heard) -> Alignment:
        """Lines where they are spoken. Raises AlignmentError, DecodingError."""
        utterances, gaps = align(heard.posteriors, heard.loudness, lines)
        shown = tuple(_presentable(_sounding(u, heard), heard.duration) for u in utterances)
        gaps = [
            replace(gap, start=round(gap.start, TIME_DIGITS), end=round(gap.end, TIME_DIGITS))
            for gap in gaps
        ]
        return Alignment(heard.path, heard.duration, shown, tuple(gaps))


def _sounding(utterance: Utterance, heard: Heard) -> Utterance:
    """The same, with confidence 0 where all is digital silence, in which a network hears anything."""
    first, last = int(utterance.start / HOP), math.ceil(utterance.end / HOP)
    sounds = np.any(heard.loudness[first:last] > SILENCE)
    return utterance if sounds else replace(utterance, confidence=0.0)


def _presentable(utterance: Utterance, duration: float) -> Utterance:
    """Times inside the recording, and no more digits than mean much."""
    whole = presentable_word(
        Word(utterance.text, utterance.start, utterance.end, utterance.confidence), duration
    )
    return replace(
        utterance,
        start=whole.start,
        end=whole.end,
        confidence=whole.confidence,
        words=tuple(presentable_word(word, duration) for word in utterance.words),
        symbols=tuple(presentable_word(symbol, duration) for symbol in utterance.symbols),
    )
