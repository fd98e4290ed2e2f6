"""An audio file as static feature frames, and what is learnt of it on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from audio_rnn.audio import Source, read_blocks
from audio_rnn.features import Features

SILENCE_PEAK = 1e-4  # -80 dB of full scale: nothing that anyone could have said


class SoundMeter:
    """How long a signal is, and when its sound begins; met block by block."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.samples = 0
        self.onset = math.inf  # seconds; infinite as long as all is digital silence

    def add(self, block: np.ndarray) -> None:
        """The next samples (samples,)."""
        if self.onset == math.inf and np.abs(block).max(initial=0) >= SILENCE_PEAK:
            first = int((np.abs(block) >= SILENCE_PEAK).argmax())
            self.onset = (self.samples + first) / self.sample_rate
        self.samples += len(block)

    @property
    def duration(self) -> float:
        """Seconds so far."""
        return self.samples / self.sample_rate


class Reading:
    """Iterates once over the static frames of a file, in pieces (frames, n_static)."""

    def __init__(self, features: Features, source: Source, channel: int | None = None) -> None:
        self.features, self.source, self.channel = features, source, channel
        self.meter = SoundMeter(features.config.sample_rate)

    def __iter__(self) -> Iterator[Tensor]:
        """Raises AudioError, after some pieces where damage shows only on the way."""
        return self.features.static_pieces(self._blocks())

    def _blocks(self) -> Iterator[np.ndarray]:
        for block in read_blocks(self.source, self.meter.sample_rate, channel=self.channel):
            self.meter.add(block)
            yield block
