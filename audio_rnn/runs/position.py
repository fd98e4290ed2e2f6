"""How far a training is, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass
class Position:
    """How far a training is: what is neither weights nor random numbers."""

    epoch: int = 1
    batch: int = 0  # batches of this epoch that are done
    step: int = 0  # optimiser steps in all
    best: float | None = None  # score
    best_loss: float = math.inf  # in validation, which chooses between equal scores
    best_epoch: int = 0
    stale: int = 0  # validations since the best
    rate_scale: float = 1.0  # what plateaus have left of the rate
    skipped: int = 0  # batches of this epoch with a loss or gradient that was not finite
    loss_sum: float = 0.0  # of this epoch's steps
    steps: int = 0  # of this epoch, without skipped ones
    stopped: bool = False  # early

    def __str__(self) -> str:
        return f"epoch {self.epoch}, step {self.step}"

    @property
    def mean_loss(self) -> float:
        """Of this epoch's steps so far; 0 before the first."""
        return self.loss_sum / max(self.steps, 1)

    def next_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.batch = self.epoch + 1, 0
        self.steps, self.loss_sum, self.skipped = 0, 0.0, 0


def ending(position: Position, monitor: str, keep: Literal["best", "last"], model: Path) -> str:
    """How a training ended that chose by `monitor`, and what it left in the folder `model`."""
    trained = f"trained {position.epoch - 1} epochs"
    if position.stopped:
        patience = f"training.patience ({position.stale}) validations"
        trained += f", stopped early: {monitor} got no better for {patience}"
    if keep == "last":
        return f"{trained}\nmodel of the last epoch in {model}"
    if position.best is None:
        return f"{trained}; no model was kept, since no {monitor} was finite"
    best = f"best: epoch {position.best_epoch}, {monitor} {position.best:.4f}"
    return f"{trained}\n{best}, model in {model}"
