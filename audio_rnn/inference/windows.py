"""Tags of stretches of equal length, from scores that come piece by piece."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from audio_rnn.config import require
from audio_rnn.inference.sounds import ClipScore
from audio_rnn.inference.tags import TagConfig, Window, most_probable
from audio_rnn.models.sound import SoundModel


class Windows:
    """Pools the steps of each stretch; the network has heard the recording as a whole."""

    def __init__(self, models: Sequence[SoundModel], config: TagConfig, seconds: float) -> None:
        """Raises: ConfigError for stretches shorter than a step."""
        least = models[0].step_seconds
        require(seconds >= least, "window_seconds", seconds, f"a step of the model, {least:g} s")
        self.models, self.config, self.seconds = models, config, seconds
        self.done: list[Window] = []
        self.score = ClipScore(models)  # of the open stretch
        self.step = 0  # the next one

    def add(self, rows: Tensor) -> None:
        """The next rows (models, steps, 2 × classes or more)."""
        while rows.shape[1]:
            here = rows[:, : self._first_step(len(self.done) + 1) - self.step]
            self.score.add(here)
            self.step += here.shape[1]
            rows = rows[:, here.shape[1] :]
            if self.step == self._first_step(len(self.done) + 1):
                self._close()

    def finish(self, duration: float) -> tuple[Window, ...]:
        """All stretches of a recording of `duration` seconds; the last may be shorter."""
        if self.score.sums is not None:
            self._close()
        return tuple(
            Window(w.onset, min(w.offset, duration), w.tags)
            for w in self.done
            if w.onset < duration  # the last step may begin where the sound ends
        )

    def _first_step(self, window: int) -> int:
        """Of all steps that begin in this stretch."""
        return math.ceil(window * self.seconds / self.models[0].step_seconds - 1e-6)

    def _close(self) -> None:
        probabilities = self.score.probabilities().tolist()
        tags = most_probable(self.models[0].classes.names, probabilities, self.config)
        onset, offset = (round((len(self.done) + n) * float(self.seconds), 6) for n in (0, 1))
        self.done.append(Window(onset, offset, tags))
        self.score = ClipScore(self.models)
