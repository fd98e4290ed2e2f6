"""Learning rates as functions of how far training is; nothing to save, nothing to drift."""

from __future__ import annotations

import math
from typing import Literal

START = 0.04  # of the highest rate, where one_cycle begins
END = 1e-3  # of the highest rate, where cosines end


def rate_factor(
    schedule: Literal["one_cycle", "warmup_cosine", "plateau"], progress: float, warmup: float
) -> float:
    """Share of the highest rate at `progress` in [0, 1].

    one_cycle rises along a cosine (Smith & Topin 2018), warmup_cosine rises linearly; both fall
    along a cosine. plateau stays, and the trainer halves it when the score stalls.
    """
    if progress < warmup:
        rise = progress / warmup
        return START + (1 - START) * (1 - _cosine(rise)) if schedule == "one_cycle" else rise + 1e-8
    if schedule == "plateau":
        return 1.0
    fall = min(1.0, (progress - warmup) / (1 - warmup))
    return END + (1 - END) * _cosine(fall)


def _cosine(x: float) -> float:
    """1 at x = 0, 0 at x = 1."""
    return 0.5 * (1 + math.cos(math.pi * x))
