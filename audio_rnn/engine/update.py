"""From the losses of batches to steps of the optimiser; what is not finite is skipped."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.distributed import anywhere, shared_losses
from audio_rnn.engine.optimizer import divide_gradients, layer_norms
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task
from audio_rnn.errors import TrainingError

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Updates:
    """Gathers gradients of batches until a step takes them all."""

    def __init__(
        self, task: Task, state: State, config: TrainingConfig, warn: Callable[[str], None]
    ) -> None:
        self.state, self.config, self.warn = state, config, warn
        self.losses = shared_losses(task, state.process)
        self.waiting = 0  # batches that the next step takes
        self.loss = torch.zeros(())  # the sum of their losses

    @property
    def due(self) -> bool:
        """Whether as many batches wait as a step takes."""
        return self.waiting == self.config.accumulate

    def gather(self, batch: Batch) -> None:
        """Add a batch's gradient. Raises TrainingError when too many were not finite."""
        process = self.state.process
        with torch.autocast(
            process.device.type,
            AUTOCAST.get(self.config.precision),
            enabled=self.config.precision != "float32",
        ):
            losses = torch.stack(list(self.losses(batch).values())).sum(dim=0)  # (items,)
        bad = [name for name, fine in zip(batch.ids, losses.isfinite().tolist()) if not fine]
        if anywhere(bool(bad), process):
            self._skip("loss", bad)
            return
        # DDP averages over processes, so that each one's share counts `world` times.
        loss = (losses * batch.weights).sum() * process.world / batch.total
        self.state.scaler.scale(loss).backward()
        self.loss = loss.detach().double() + (self.loss if self.waiting else 0)
        self.waiting += 1

    def step(self, rate: float, ids: list[str]) -> dict[str, float]:
        """Apply the mean gradient of what waits, clipped, at a learning rate; for the history.

        `ids` are the items of the last batch. Raises: as `gather`.
        """
        state, model = self.state, self.state.model
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        state.scaler.unscale_(state.optimizer)
        divide_gradients(model, self.waiting)
        layers = layer_norms(model) if self.config.log_layers else {}
        tensor = nn.utils.clip_grad_norm_(model.parameters(), self.config.clip)
        norm, loss = torch.stack([tensor.double(), self.loss]).tolist()  # a GPU is asked once
        if math.isfinite(norm) or self._scale_is_searched():
            state.scaler.step(state.optimizer)
            state.position.steps += 1
            state.position.loss_sum += loss / self.waiting
        else:
            self._skip("gradient", ids)
        self._finish_step()
        return {
            "rate": rate,
            "grad_norm": norm,
            "mean_loss": state.position.mean_loss,
            **layers,
        }

    def close(self) -> None:
        """Let go of DDP, which would keep the group of processes alive beyond `stop`."""
        del self.losses

    def _finish_step(self) -> None:
        state = self.state
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        self.waiting = 0
        state.position.step += 1
        state.average.after_step(state.position.step)

    def _scale_is_searched(self) -> bool:
        """Whether gradients may still overflow because fp16 scales them up: the scaler then leaves
        the step out and halves the scale, which is usual at the start."""
        scaler = self.state.scaler
        return scaler.is_enabled() and scaler.get_scale() >= 1

    def _skip(self, what: str, names: list[str]) -> None:
        """Count a loss or gradient that is not finite, and stop when there are too many."""
        position = self.state.position
        position.skipped += 1
        shown = ", ".join(names[:5])
        if names:  # in the process that has them
            self.warn(f"{what} not finite, batch skipped: {shown}")
        if position.skipped > self.config.skip_limit:
            raise TrainingError(
                f"epoch {position.epoch}: {position.skipped} batches with a loss or gradient "
                f"that is not finite, last a {what} with {shown or 'others'}; "
                f"expected at most {self.config.skip_limit}: {remedy(self.config)}"
            )


def remedy(config: TrainingConfig) -> str:
    """What helps against losses and gradients that are not finite."""
    return (
        f"check these items, lower training.rate ({config.rate}) or training.clip ({config.clip})"
    )
