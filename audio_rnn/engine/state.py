"""All that a training is between two steps; a checkpoint holds it and gives it back to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audio_rnn.distributed.processes import Process, from_all, from_first
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.errors import TrainingError
from audio_rnn.models.folder import load_weights
from audio_rnn.optimization.averaging import Average
from audio_rnn.optimization.optimizer import make_optimizer
from audio_rnn.randomness import random_state, set_random_state
from audio_rnn.runs import checkpoint
from audio_rnn.runs.position import Position


class State:
    """Model, optimiser, averages, loss scale and position of one training."""

    def __init__(self, model: nn.Module, config: TrainingConfig, process: Process) -> None:
        self.model = model.to(process.device)
        self.process = process
        self.position = Position()
        self.optimizer = make_optimizer(model, config.optimizer, config.rate, config.weight_decay)
        self.average = Average(model, config.averaging, config.ema_decay, config.last)
        self.scaler = make_scaler(config.precision, process.device.type)

    @property
    def _parts(self) -> dict[str, Any]:
        """What gives its `state_dict` and takes it back, beside the model."""
        return {"optimizer": self.optimizer, "average": self.average, "scaler": self.scaler}

    def save(self, folder: Path) -> None:
        """Replace the checkpoint in `folder`; all processes call this. Raises TrainingError."""
        randoms = from_all(random_state(), self.process)
        if self.process.first:
            values = {"position": asdict(self.position), "random_states": randoms}
            parts = {"model": self.model, **self._parts}
            states = {name: part.state_dict() for name, part in parts.items()}
            checkpoint.save_state(folder, {**values, **states})

    def resume(self, folder: Path, warn: Callable[[str], None]) -> None:
        """Take up the checkpoint in `folder`, if there is one; `warn` hears of a damaged one.

        Raises: InputError.
        """
        first = self.process.first  # its disk, which others may not see, is the one that counts
        whole = from_first(checkpoint.load_state(folder, warn) if first else None, self.process)
        if whole is None:
            return
        remedy = f"delete {folder}* to start anew"
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
        for name, part in self._parts.items():
            if whole[name] or part is not self.scaler:  # where nothing was scaled, it begins anew
                part.load_state_dict(whole[name])
        randoms = whole["random_states"]
        if self.process.rank < len(randoms):  # or there were fewer processes then
            set_random_state(randoms[self.process.rank])


def make_scaler(precision: str, device: str) -> torch.amp.GradScaler:
    """Scales losses where gradients are of fp16: under CUDA's autocast, torch 2.11 runs the recurrent layers
    of cuDNN in it for bf16 too, and its least number is 6e-8."""
    halved = precision == "fp16" or (precision == "bf16" and device == "cuda")
    return torch.amp.GradScaler(device, enabled=halved)
