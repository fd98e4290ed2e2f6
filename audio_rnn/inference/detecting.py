"""Scores that come piece by piece -> the events that a reader gets to see."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from torch import Tensor

from audio_rnn.decoding.events import DetectionConfig, EventFinder
from audio_rnn.events import Detection
from audio_rnn.inference.reading import SoundMeter
from audio_rnn.inference.sounds import step_probabilities
from audio_rnn.inference.tags import DIGITS
from audio_rnn.models.sound import SoundModel


class Detecting:
    """One recording: nothing is heard before its first sound, nor after its end."""

    def __init__(self, model: SoundModel, rules: DetectionConfig, meter: SoundMeter) -> None:
        """`meter` has met all sound that the rows to come depend on."""
        self.model, self.meter = model, meter
        self.finder = EventFinder(model.classes.names, model.step_seconds, rules)

    def feed(self, rows: Tensor) -> list[Detection]:
        """The next rows (models, steps, 2 × classes) -> the events that have ended."""
        probabilities = step_probabilities(self.model, rows).cpu().numpy()
        return self._presentable(self.finder.feed(probabilities))

    def finish(self) -> list[Detection]:
        """The events that last to the end."""
        nothing = np.zeros((0, len(self.model.classes)), np.float32)
        return self._presentable(self.finder.feed(nothing, last=True))

    def begun(self) -> list[Detection]:
        """The events that go on, as far as is known."""
        return self._presentable(self.finder.begun())

    def _presentable(self, events: Iterable[Detection]) -> list[Detection]:
        end, sound = self.meter.duration, self.meter.onset
        return [
            replace(
                event,
                onset=max(event.onset, self._step_of(sound)),
                offset=min(event.offset, end),
                score=round(event.score, DIGITS),
            )
            for event in events
            if event.onset < end and event.offset > sound
        ]

    def _step_of(self, seconds: float) -> float:
        """When the step begins that this time lies in."""
        step = self.model.step_seconds
        return round(math.floor(seconds / step) * step, 6)
