"""A model of sounds that listens: samples in as they come, events out as they begin and end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from audio_rnn.decoding.events import DetectionConfig
from audio_rnn.events import Detection
from audio_rnn.inference.detecting import Detecting
from audio_rnn.inference.ear import Ear, StreamConfig
from audio_rnn.models.sound import SoundModel


@dataclass(frozen=True)
class Sighting:
    """An event that has ended, or one that has begun, with its offset and score so far."""

    event: Detection
    final: bool


class SoundStream:
    """One endless recording being searched, in memory that does not grow.

    A model with one direction finds the events of the whole recording. One with two directions sees
    a chunk and some future at a time, and what it finds depends on the lengths of these. For neither
    does it matter in which blocks the samples come.
    """

    def __init__(
        self,
        model: SoundModel,
        rules: DetectionConfig | None = None,
        config: StreamConfig | None = None,
    ) -> None:
        """Raises: ConfigError when the model cannot follow a stream, or not in this way."""
        self.ear = Ear(model, model.tagger, config)
        self.detecting = Detecting(model, rules or DetectionConfig(), self.ear.meter)
        self._shown: set[tuple[float, str]] = set()  # onset and label of events that go on

    @property
    def latency(self) -> float:
        """Seconds from the begin or end of a sound to the news of it, computing left out; from an
        end, the pause of its rule more."""
        finder = self.detecting.finder
        return self.ear.latency + finder.delay * finder.step_seconds

    def feed(self, samples: np.ndarray) -> list[Sighting]:
        """The next samples (samples,) float32 at the model's rate -> what is new."""
        return self.ear.feed(samples, self._advance)

    def finish(self) -> list[Sighting]:
        """The sound is over: what is left, all of it final."""
        return self.ear.finish(self._advance)

    def _advance(self, rows: Tensor, last: bool) -> list[Sighting]:
        """The next rows (steps, 2 × classes) -> what is new."""
        ended = self.detecting.feed(rows[None])
        if last:
            ended = sorted([*ended, *self.detecting.finish()])
        begun = self.detecting.begun()
        new = [event for event in begun if (event.onset, event.label) not in self._shown]
        self._shown = {(event.onset, event.label) for event in begun}
        return [Sighting(e, final=True) for e in ended] + [Sighting(e, final=False) for e in new]
