"""A speech model that listens: samples in as they come, text out as it is settled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from audio_rnn.decoding.decoder import Decoder
from audio_rnn.decoding.hypothesis import Hypothesis, Word
from audio_rnn.inference.ear import Ear, StreamConfig
from audio_rnn.inference.transcript import AHEAD_OF_SOUND, presentable
from audio_rnn.models.speech import SpeechModel


@dataclass(frozen=True)
class Segment:
    """Text between two pauses; one that is not final comes again, longer or corrected."""

    text: str
    words: tuple[Word, ...]
    confidence: float
    final: bool


class SpeechStream:
    """One endless recording being transcribed, in memory that does not grow.

    A model with one direction gives the text of the whole recording. One with two directions sees
    a chunk and some future at a time, and its text depends on the lengths of these. For neither
    does it matter in which blocks the samples come.
    """

    def __init__(
        self, model: SpeechModel, decoder: Decoder, config: StreamConfig | None = None
    ) -> None:
        """Raises: ConfigError when the model cannot follow a stream, or not in this way."""
        self.model = model
        self.decoding = decoder.start()
        self.ear = Ear(model, model.acoustic, config)
        self.meter = self.ear.meter
        self._pending: list[Hypothesis] = []  # before the first sound
        self._shown = ""  # of the open segment

    @property
    def latency(self) -> float:
        """Seconds from a sound to its text, computing and pauses left out."""
        return self.ear.latency

    def feed(self, samples: np.ndarray) -> list[Segment]:
        """The next samples (samples,) float32 at the model's rate -> what is new."""
        return self.ear.feed(samples, self._advance)

    def finish(self) -> list[Segment]:
        """The sound is over: what is left, all of it final."""
        return self.ear.finish(self._advance)

    def _advance(self, log_probs: Tensor, last: bool) -> list[Segment]:
        """The next steps (steps, symbols) -> what is new."""
        segments = self.decoding.feed(log_probs.cpu().numpy())
        if last:
            segments = [*segments, *self.decoding.finish()]
        news = [_segment(shown, final=True) for shown in self._heard(segments)]
        if news:
            self._shown = ""
        return news if last else [*news, *self._partial()]

    def _heard(self, segments: list[Hypothesis]) -> list[Hypothesis]:
        """Segments as they are shown; what is written before the first sound waits for it."""
        waiting = [*self._pending, *segments]
        if self.meter.onset == math.inf:
            recent = self.meter.duration - AHEAD_OF_SOUND
            self._pending = [s for s in waiting if s.words and s.words[-1].end >= recent]
            return []
        self._pending = []
        shown = [presentable(s, self.meter.onset, self.meter.duration) for s in waiting]
        return [s for s in shown if s.words]

    def _partial(self) -> list[Segment]:
        """The open segment, if its text is new."""
        shown = presentable(self.decoding.partial(), self.meter.onset, self.meter.duration)
        if shown.text in ("", self._shown):
            return []
        self._shown = shown.text
        return [_segment(shown, final=False)]


def _segment(shown: Hypothesis, final: bool) -> Segment:
    return Segment(shown.text, tuple(shown.words), shown.confidence, final)
