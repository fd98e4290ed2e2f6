"""A speech model that listens: samples in as they come, text out as it is settled."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from audio_rnn.config import require
from audio_rnn.decoding.decoder import Decoder
from audio_rnn.decoding.hypothesis import Hypothesis, Word
from audio_rnn.features.stages import Chain
from audio_rnn.inference.reading import SoundMeter
from audio_rnn.inference.transcript import AHEAD_OF_SOUND, presentable
from audio_rnn.models.speech import SpeechModel
from audio_rnn.models.stream import causal_stream, chunked_stream

CHUNK_ONE, CHUNK_BOTH, RIGHT = 0.15, 0.5, 0.5  # seconds
TIMES_KEPT = 10_000  # chunks whose computing times are remembered


@dataclass(frozen=True)
class StreamConfig:
    """How a stream is cut; None leaves the choice to the model."""

    chunk_seconds: float | None = None  # computed at once: 0.15, with two directions 0.5
    right_seconds: float | None = None  # of future that two directions see: 0.5

    def __post_init__(self) -> None:
        for name, least in (("chunk_seconds", 1e-3), ("right_seconds", 0.0)):
            value = getattr(self, name)
            fits = value is None or least <= value < math.inf
            require(fits, name, value, f"seconds, from {least:g} on")


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
        config = config or StreamConfig()
        self.model = model
        self.decoding = decoder.start()
        self.meter = SoundMeter(model.features.config.sample_rate)
        self.times: deque[float] = deque(maxlen=TIMES_KEPT)  # seconds that the last chunks took
        self.computing = 0.0  # seconds that all took
        chunk, right = _in_steps(config, model)
        both = model.config.acoustic.recurrent.bidirectional
        layers = (
            chunked_stream(model.acoustic, chunk, right) if both else causal_stream(model.acoustic)
        )
        self._stage = Chain([model.features.stream(), layers])
        self._size = chunk * model.step_samples  # of a piece that is computed at once
        # The first piece has what makes the first chunk complete, and so every other has as well.
        self._missing = self._size + right * model.step_samples + model.delay
        self.latency = self._missing / self.meter.sample_rate  # seconds from a sound to its text
        self._held = np.zeros(0, np.float32)
        self._pending: list[Hypothesis] = []  # before the first sound
        self._shown = ""  # of the open segment

    def feed(self, samples: np.ndarray) -> list[Segment]:
        """The next samples (samples,) float32 at the model's rate -> what is new."""
        return [segment for piece in self._pieces(samples) for segment in self._advance(piece)]

    def finish(self) -> list[Segment]:
        """The sound is over: what is left, all of it final."""
        return self._advance(self._held, last=True)

    def _pieces(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Pieces of the planned sizes, whatever blocks the samples come in."""
        samples = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        while len(samples) >= self._missing:
            piece, samples = samples[: self._missing], samples[self._missing :]
            self._missing = self._size
            yield piece
        self._held = samples

    @torch.inference_mode()
    def _advance(self, piece: np.ndarray, last: bool = False) -> list[Segment]:
        began = time.perf_counter()
        self.meter.add(piece)
        waveform = torch.from_numpy(piece).to(self.model.device)
        segments = self.decoding.feed(self._stage(waveform, last).cpu().numpy())
        if last:
            segments = [*segments, *self.decoding.finish()]
        news = [_segment(shown, final=True) for shown in self._heard(segments)]
        if news:
            self._shown = ""
        if not last:
            news += self._partial()
        self.times.append(time.perf_counter() - began)
        self.computing += self.times[-1]
        return news

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


def _in_steps(config: StreamConfig, model: SpeechModel) -> tuple[int, int]:
    """Steps of a chunk, and of future."""
    both = model.config.acoustic.recurrent.bidirectional
    require(
        both or config.right_seconds is None,
        "right_seconds",
        config.right_seconds,
        "none for a model with one direction",
        "leave it out: the future that such a model sees was chosen when it was trained",
    )
    chunk = config.chunk_seconds or (CHUNK_BOTH if both else CHUNK_ONE)
    right = RIGHT if config.right_seconds is None else config.right_seconds
    return max(1, round(chunk / model.step_seconds)), round(right / model.step_seconds) * both
