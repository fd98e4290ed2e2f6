"""Noise of other colours than white."""

from __future__ import annotations

import numpy as np
from scipy.fft import next_fast_len


def coloured(samples: int, slope: float, random_: np.random.Generator) -> np.ndarray:
    """Noise (samples,) whose power falls with frequency to the `slope`."""
    length = next_fast_len(samples)
    spectrum = np.fft.rfft(random_.standard_normal(length))
    bins = np.maximum(np.arange(len(spectrum)), 1)
    return np.fft.irfft(spectrum / bins ** (slope / 2), length)[:samples]
