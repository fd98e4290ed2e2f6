"""From the losses of batches to steps of the optimiser; what is not finite is skipped."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn

from audio_rnn.distributed.processes import anywhere, sharing_gradients
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task, Truncated
from audio_rnn.errors import ConfigError, TrainingError
from audio_rnn.optimization.optimizer import divide_gradients, layer_norms

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
Entry = dict[str, float]  # of a step, for the history


class Updates:
    """Gathers gradients of batches until a step takes them all."""

    def __init__(
        self, task: Task, state: State, config: TrainingConfig, warn: Callable[[str], None]
    ) -> None:
        self.state, self.config, self.warn = state, config, warn
        self.losses = sharing_gradients(task.losses, task.model, state.process)
        self.waiting = 0  # batches that the next step takes
        self.loss = torch.zeros(())  # the sum of their losses
        buffers = list(task.model.buffers())  # such as the statistics of a batch norm
        self.buffers = [(buffer, buffer.clone()) for buffer in buffers]  # and before the last batch

    def steps(self, batch: Batch, rate: float, last: bool) -> Iterator[Entry]:
        """Train on a batch, the `last` of its epoch or not, at a learning rate: the steps it makes.

        Raises: TrainingError when too many losses or gradients of the epoch were not finite, or all.
        """
        for piece in pieces(batch, self.config.truncate):
            self._gather(piece)
            if self.waiting == self.config.accumulate:
                yield self._step(rate, batch.ids)
        if last and self.waiting:
            yield self._step(rate, batch.ids)
        if last:
            self._end_epoch()

    def close(self) -> None:
        """Let go of DDP, which would keep the group of processes alive beyond `stop`."""
        del self.losses

    def _gather(self, batch: Batch) -> None:
        """Add a batch's gradient."""
        process, dtype = self.state.process, AUTOCAST.get(self.config.precision)
        for buffer, before in self.buffers:
            before.copy_(buffer)
        with torch.autocast(process.device.type, dtype, enabled=dtype is not None):
            losses = torch.stack(list(self.losses(batch).values())).sum(dim=0)  # (items,)
        bad = [name for name, fine in zip(batch.ids, losses.isfinite().tolist()) if not fine]
        if anywhere(bool(bad), process):
            for buffer, before in self.buffers:
                buffer.copy_(before)  # one that has seen what is not finite would stay so
            self._skip("loss", bad)
            return
        # DDP averages over processes, so that each one's share counts `world` times.
        loss = (losses * batch.weights).sum() * process.world / batch.total
        self.state.scaler.scale(loss).backward()
        self.loss = loss.detach().double() + (self.loss if self.waiting else 0)
        self.waiting += 1

    def _step(self, rate: float, ids: list[str]) -> Entry:
        """Apply the mean gradient of what waits, clipped; `ids` are of the last batch."""
        state, model, count = self.state, self.state.model, self.waiting
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        state.scaler.unscale_(state.optimizer)
        divide_gradients(model, count)
        layers = layer_norms(model) if self.config.log_layers else {}
        tensor = nn.utils.clip_grad_norm_(model.parameters(), self.config.clip)
        norm, loss = torch.stack([tensor.double(), self.loss]).tolist()  # a GPU is asked once
        self.waiting = 0
        if math.isfinite(norm) or self._scale_is_searched():
            state.scaler.step(state.optimizer)
            state.position.steps += 1
            state.position.loss_sum += loss / count
        else:
            self._skip("gradient", ids)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        state.position.step += 1
        state.average.after_step(state.position.step)
        return {
            "epoch": state.position.epoch, "step": state.position.step, "rate": rate,
            "grad_norm": norm, "mean_loss": state.position.mean_loss, **layers,
        }  # fmt: skip

    def _end_epoch(self) -> None:
        if not self.state.position.steps:
            raise TrainingError(
                f"epoch {self.state.position.epoch}: no batch had a finite loss and gradient; "
                f"{remedy(self.config)}"
            )
        self.state.average.after_epoch()

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


def pieces(batch: Batch, frames: int | None) -> Iterator[Batch]:
    """A batch as a whole, or in pieces of so many frames.

    Raises: ConfigError for a batch that has none.
    """
    if frames is None:
        return iter([batch])
    if not isinstance(batch, Truncated):
        raise ConfigError(
            f"training.truncate: found {frames}, but this task cannot be trained piece by piece; "
            "leave it out"
        )
    return batch.pieces(frames)


def remedy(config: TrainingConfig) -> str:
    """What helps against losses and gradients that are not finite."""
    return (
        f"check these items, lower training.rate ({config.rate}) or training.clip ({config.clip})"
    )
