"""How loud a recording is from moment to moment, met block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.alignment.edges import HOP

FLOOR = 1e-10  # power below which all is silence
SILENCE = -100.0  # that in dB of full scale
SMOOTH = (0.25, 0.5, 0.25)  # 20 ms, a period or two of a voice


class LoudnessMeter:
    """Takes a signal in blocks of any sizes."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.samples = 0
        self._energies: list[tuple[int, NDArray[np.float64]]] = []  # from which value on

    def add(self, block: np.ndarray) -> None:
        """The next samples (samples,)."""
        if len(block):
            places = np.arange(self.samples, self.samples + len(block)) * round(1 / HOP)
            places //= self.sample_rate
            squares = np.square(block, dtype=np.float64)
            energy = np.bincount(places - places[0], squares).astype(np.float64)
            self._energies.append((int(places[0]), energy))
            self.samples += len(block)

    def values(self) -> NDArray[np.float32]:
        """dB of full scale, (values,), HOP seconds each."""
        length = max((first + len(energy) for first, energy in self._energies), default=0)
        power = np.zeros(length)
        for first, energy in self._energies:
            power[first : first + len(energy)] += energy / (self.sample_rate * HOP)
        smooth = np.convolve(power, SMOOTH, "same") if length else power
        return (10 * np.log10(np.maximum(smooth, FLOOR))).astype(np.float32)
