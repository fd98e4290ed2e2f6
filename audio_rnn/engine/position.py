"""How far a training is: all of its state that is neither weights nor random numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Position:
    """How far a training is."""

    epoch: int = 1
    batch: int = 0  # batches of this epoch that are done
    step: int = 0  # optimiser steps in all
    best: float | None = None
    stale: int = 0  # validations since the best
    rate_scale: float = 1.0  # what plateaus have left of the rate
    skipped: int = 0  # batches of this epoch with a loss or gradient that was not finite
    loss_sum: float = 0.0  # of this epoch's steps
    steps: int = 0  # of this epoch, without skipped ones
    stopped: bool = False  # early
