"""Probabilities of classes at each step -> events, as they come or all at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from audio_rnn.config import from_dict, require, to_dict
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.events import Detection
from audio_rnn.storage import write_text

NAME = "detection.json"
Probabilities = NDArray[np.floating]  # (steps, classes)


@dataclass(frozen=True)
class Rule:
    """When a class counts as heard."""

    threshold: float = 0.5  # probability from which on it is
    median_seconds: float = 0.25  # of the filter that fills short gaps and drops short events
    pause_seconds: float = 0.0  # up to which silence of the class parts no event

    def __post_init__(self) -> None:
        require(0 < self.threshold < 1, "threshold", self.threshold, "a probability inside 0 to 1")
        for name in ("median_seconds", "pause_seconds"):
            require(0 <= getattr(self, name) <= 60, name, getattr(self, name), "0 to 60 s")

    def width(self, step_seconds: float) -> int:
        """Steps of the filter, an odd number."""
        return 2 * round(self.median_seconds / step_seconds / 2) + 1


@dataclass(frozen=True)
class DetectionConfig:
    """The rule of each class; saved with a model that it was tuned for."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    otherwise: Rule = field(default_factory=Rule)

    def rule(self, label: str) -> Rule:
        """The rule of a class."""
        return self.rules.get(label, self.otherwise)

    def with_threshold(self, threshold: float) -> DetectionConfig:
        """The same filters, one threshold for all classes. Raises ConfigError."""
        rules = {label: replace(rule, threshold=threshold) for label, rule in self.rules.items()}
        return DetectionConfig(rules, replace(self.otherwise, threshold=threshold))


def save_rules(folder: Path, config: DetectionConfig) -> None:
    """Write rules into a model folder. Raises OSError."""
    rules = {label: to_dict(rule) for label, rule in config.rules.items()}
    write_text(folder / NAME, json.dumps(rules, ensure_ascii=False, indent=1) + "\n")


def load_rules(folder: Path) -> DetectionConfig:
    """The rules in a model folder, or defaults when nobody has tuned any. Raises ModelError."""
    path = folder / NAME
    if not path.exists():
        return DetectionConfig()
    try:
        rules = json.loads(path.read_text(encoding="utf-8"))
        return DetectionConfig(
            {label: from_dict(Rule, value, label) for label, value in rules.items()}
        )
    except (OSError, ValueError, AttributeError, ConfigError) as error:
        raise ModelError(
            f"{path}: broken: {error}; tune the model again, or delete the file"
        ) from error


def smoothed(probabilities: Probabilities, rule: Rule, step_seconds: float) -> NDArray[np.bool_]:
    """One class (steps,) -> whether it is heard: the median of what exceeds the threshold.

    Beyond the ends nothing is heard.
    """
    width = rule.width(step_seconds)
    active = (probabilities >= rule.threshold).astype(np.float64)
    return uniform_filter1d(active, width, mode="constant") * width > width / 2


class EventFinder:
    """Finds events in probabilities that come piece by piece; however they are cut, the same."""

    def __init__(
        self, labels: tuple[str, ...], step_seconds: float, config: DetectionConfig | None = None
    ) -> None:
        self.step_seconds = step_seconds
        config = config or DetectionConfig()
        self._tracks = [_Track(label, config.rule(label), step_seconds) for label in labels]

    @property
    def delay(self) -> int:
        """Steps after its own that it takes to know whether a step belongs to an event."""
        return max(track.half for track in self._tracks)

    def feed(self, probabilities: Probabilities, last: bool = False) -> list[Detection]:
        """The next steps (steps, classes) -> events that have ended, by onset; `last`: all."""
        found = [
            event
            for track, column in zip(self._tracks, probabilities.T)
            for event in track.feed(column, last)
        ]
        return sorted(found)

    def begun(self) -> list[Detection]:
        """The events that have not ended, up to what is decided; by onset."""
        return sorted(event for track in self._tracks if (event := track.so_far()))


def find_events(
    probabilities: Probabilities,
    labels: tuple[str, ...],
    step_seconds: float,
    config: DetectionConfig | None = None,
) -> list[Detection]:
    """All events in the probabilities (steps, classes) of a whole recording, by onset."""
    return EventFinder(labels, step_seconds, config).feed(probabilities, last=True)


class _Track:
    """The events of one class."""

    def __init__(self, label: str, rule: Rule, step_seconds: float) -> None:
        self.label, self.rule, self.step_seconds = label, rule, step_seconds
        self.half = rule.width(step_seconds) // 2
        self.pause = round(rule.pause_seconds / step_seconds)  # steps that part no event
        self.held = np.zeros(0)  # probabilities from which the next decisions are made
        self.past = 0  # of these, steps that are decided
        self.step = 0  # decided in all
        self.onset: int | None = None  # of the open event
        self.end = 0  # behind its last active step
        self.total, self.count = 0.0, 0  # of the probabilities of its active steps

    def feed(self, probabilities: NDArray[np.floating], last: bool) -> list[Detection]:
        self.held = np.concatenate([self.held, probabilities])
        stop = len(self.held) - (0 if last else self.half)
        if stop <= self.past and not last:
            return []
        active = smoothed(self.held, self.rule, self.step_seconds)[self.past : stop]
        events = [
            event
            for is_active, probability in zip(active, self.held[self.past : stop])
            for event in self._decide(bool(is_active), float(probability))
        ]
        drop = max(0, stop - self.half)
        self.held, self.past = self.held[drop:], stop - drop
        return [*events, *self._close()] if last else events

    def _decide(self, active: bool, probability: float) -> list[Detection]:
        """Take in one step; the event that ends with it, if one does."""
        self.step += 1
        if active:
            self.onset = self.step - 1 if self.onset is None else self.onset
            self.end, self.total, self.count = self.step, self.total + probability, self.count + 1
            return []
        return self._close() if self.step - self.end > self.pause else []

    def _close(self) -> list[Detection]:
        """The open event, if there is one, which ends."""
        event = self.so_far()
        self.onset, self.total, self.count = None, 0.0, 0
        return [event] if event else []

    def so_far(self) -> Detection | None:
        """The open event, if there is one, up to its last active step."""
        if self.onset is None:
            return None
        onset, offset = (round(n * self.step_seconds, 6) for n in (self.onset, self.end))
        return Detection(onset, offset, self.label, self.total / self.count)
