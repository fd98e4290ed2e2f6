"""All that a training is between two steps; a checkpoint holds it and gives it back to the bit."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audio_rnn.distributed.processes import Process, from_all, from_first
from audio_rnn.engine.averaging import Average
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.optimizer import make_optimizer
from audio_rnn.errors import TrainingError
from audio_rnn.models.folder import load_weights
from audio_rnn.randomness import random_state, set_random_state
from audio_rnn.runs import checkpoint


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

    @property
    def mean_loss(self) -> float:
        """Of this epoch's steps so far; 0 before the first."""
        return self.loss_sum / max(self.steps, 1)

    def next_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.batch = self.epoch + 1, 0
        self.steps, self.loss_sum, self.skipped = 0, 0.0, 0


class State:
    """Model, optimiser, averages, loss scale and position of one training."""

    def __init__(self, model: nn.Module, config: TrainingConfig, process: Process) -> None:
        self.model = model.to(process.device)
        self.process = process
        self.position = Position()
        self.optimizer = make_optimizer(model, config)
        self.average = Average(model, config)
        self.scaler = torch.amp.GradScaler(process.device.type, enabled=config.precision == "fp16")

    def save(self, folder: Path) -> None:
        """Replace the checkpoint in `folder`; all processes call this. Raises TrainingError."""
        random = from_all(random_state(), self.process)
        if self.process.first:
            whole = {
                "position": asdict(self.position),
                "model": dict(self.model.state_dict()),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.state(),
                "scaler": self.scaler.state_dict(),
                "random": random[0],
                "others": random[1:],
            }
            checkpoint.save_state(folder, whole)

    def resume(self, folder: Path) -> None:
        """Take up the checkpoint in `folder`, if there is one. Raises: InputError."""
        first = self.process.first  # its disk, which others may not see, is the one that counts
        whole = from_first(checkpoint.load_state(folder) if first else None, self.process)
        if whole is None:
            return
        remedy = f"delete {folder} to start anew"
        try:
            load_weights(self.model, whole["model"], folder, remedy)
            self._take(whole)
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            reason = " ".join(str(error).split())  # torch's take several lines
            raise TrainingError(
                f"{folder}: checkpoint does not fit this training: {reason}; {remedy}"
            ) from error

    def _take(self, whole: dict[str, Any]) -> None:
        """All of a state but the weights."""
        self.position = Position(**whole["position"])
        self.optimizer.load_state_dict(whole["optimizer"])
        self.average.load(whole["average"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(whole["scaler"])
        random = [whole["random"], *whole["others"]]  # of fewer processes, if there were fewer
        for own in random[self.process.rank : self.process.rank + 1]:
            set_random_state(own)
