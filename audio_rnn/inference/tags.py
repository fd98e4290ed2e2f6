"""What a model of sounds says of a recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_rnn.config import require
from audio_rnn.events import Detection

DIGITS = 4  # of probabilities: no more than are the same in every batch


@dataclass(frozen=True)
class TagConfig:
    """Which tags are given, and of what."""

    top: int | None = None  # most probable classes; all when None
    above: float = 0.0  # probability that each of them has at least
    window_seconds: float | None = None  # of stretches that get tags of their own

    def __post_init__(self) -> None:
        top, window = self.top, self.window_seconds
        require(top is None or top >= 1, "top", top, "classes, 1 or more")
        require(0 <= self.above <= 1, "above", self.above, "a probability, 0 to 1")
        fits = window is None or 0 < window < math.inf
        require(fits, "window_seconds", window, "seconds above 0")


@dataclass(frozen=True)
class Tag:
    """A class and the probability that it is heard."""

    label: str
    probability: float


@dataclass(frozen=True)
class Window:
    """What is heard from `onset` to `offset`, in seconds."""

    onset: float
    offset: float
    tags: tuple[Tag, ...]


@dataclass(frozen=True)
class Tags:
    """What is heard in a recording."""

    path: str
    tags: tuple[Tag, ...]  # the most probable first
    duration: float  # seconds
    windows: tuple[Window, ...] = ()  # when these were asked for


@dataclass(frozen=True)
class Detections:
    """What is heard when in a recording."""

    path: str
    events: tuple[Detection, ...]  # by onset
    duration: float  # seconds


@dataclass(frozen=True, eq=False)
class Track:
    """Probabilities of classes (steps, classes); the first step begins at `start` seconds."""

    probabilities: NDArray[np.floating]
    start: float
    step_seconds: float
    labels: tuple[str, ...]


def most_probable(
    labels: Sequence[str], probabilities: Sequence[float], config: TagConfig
) -> tuple[Tag, ...]:
    """The tags that are asked for, the most probable first; of equals, in the order of classes."""
    tags = [Tag(label, round(p, DIGITS)) for label, p in zip(labels, probabilities, strict=True)]
    ordered = sorted(tags, key=lambda tag: -tag.probability)[: config.top]
    return tuple(tag for tag in ordered if tag.probability >= config.above)
