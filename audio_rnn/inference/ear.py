"""A network that listens: samples in as they come, what it says of each step out, chunk by chunk."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from audio_rnn.config import require
from audio_rnn.features import Features
from audio_rnn.features.stages import Chain
from audio_rnn.inference.reading import SoundMeter
from audio_rnn.models.stream import Network, causal_stream, chunked_stream

CHUNK_ONE, CHUNK_BOTH, RIGHT = 0.15, 0.5, 0.5  # seconds
TIMES_KEPT = 10_000  # chunks whose computing times are remembered

T = TypeVar("T")
Answer = Callable[[Tensor, bool], list[T]]  # rows (steps, outputs), is last -> what is new


class Model(Protocol):
    """Features, and a network on them."""

    @property
    def features(self) -> Features:
        """What the network reads."""

    @property
    def step_samples(self) -> int:
        """Samples from one step of the network to the next."""

    @property
    def delay(self) -> int:
        """Samples that a step of a stream waits for when its own sound is over."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""


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


class Ear:
    """One endless recording, in memory that does not grow.

    It does not matter in which blocks the samples come.
    """

    def __init__(self, model: Model, network: Network, config: StreamConfig | None = None) -> None:
        """Raises: ConfigError when the model cannot follow a stream, or not in this way."""
        both = network.recurrent.config.bidirectional
        rate = model.features.config.sample_rate
        chunk, right = _in_steps(config or StreamConfig(), both, model.step_samples / rate)
        layers = chunked_stream(network, chunk, right) if both else causal_stream(network)
        self.device = model.device
        self.meter = SoundMeter(rate)
        self.times: deque[float] = deque(maxlen=TIMES_KEPT)  # seconds that the last chunks took
        self.computing = 0.0  # seconds that all took
        self._stage = Chain([model.features.stream(), layers])
        self._size = chunk * model.step_samples  # of a piece that is computed at once
        # The first piece has what makes the first chunk complete, and so every other has as well.
        self._missing = self._size + right * model.step_samples + model.delay
        self.latency = self._missing / rate  # seconds from a sound to what is said of it
        self._held = np.zeros(0, np.float32)

    def feed(self, samples: np.ndarray, answer: Answer[T]) -> list[T]:
        """The next samples (samples,) float32 at the model's rate -> all that is answered."""
        return [new for piece in self._pieces(samples) for new in self._advance(piece, answer)]

    def finish(self, answer: Answer[T]) -> list[T]:
        """The sound is over."""
        return self._advance(self._held, answer, last=True)

    def _pieces(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Pieces of the planned sizes, whatever blocks the samples come in."""
        samples = np.concatenate([self._held, samples.astype(np.float32, copy=False)])
        while len(samples) >= self._missing:
            piece, samples = samples[: self._missing], samples[self._missing :]
            self._missing = self._size
            yield piece
        self._held = samples

    @torch.inference_mode()
    def _advance(self, piece: np.ndarray, answer: Answer[T], last: bool = False) -> list[T]:
        began = time.perf_counter()
        self.meter.add(piece)
        new = answer(self._stage(torch.from_numpy(piece).to(self.device), last), last)
        self.times.append(time.perf_counter() - began)
        self.computing += self.times[-1]
        return new


def _in_steps(config: StreamConfig, both: bool, step_seconds: float) -> tuple[int, int]:
    """Steps of a chunk, and of future."""
    require(
        both or config.right_seconds is None,
        "right_seconds",
        config.right_seconds,
        "none for a model with one direction",
        "leave it out: the future that such a model sees was chosen when it was trained",
    )
    chunk = config.chunk_seconds or (CHUNK_BOTH if both else CHUNK_ONE)
    right = RIGHT if config.right_seconds is None else config.right_seconds
    return max(1, round(chunk / step_seconds)), round(right / step_seconds) * both
