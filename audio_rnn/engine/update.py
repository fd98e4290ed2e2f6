"""From the losses of batches to steps of the optimiser; what is not finite is skipped.

The host waits for no step: the device itself leaves out one that is not finite, and what became of
it is read when the next one has been asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audio_rnn.device import Later
from audio_rnn.distributed.processes import lowest, sharing_gradients
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task, Truncated
from audio_rnn.errors import ConfigError, TrainingError
from audio_rnn.optimization.optimizer import divide_gradients, layer_norms, step_if

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
Entry = dict[str, float]  # of a step, for the history


class Gathered(NamedTuple):
    """A batch whose gradient waits for a step."""

    ids: list[str]
    loss: Tensor  # () float64, of this process's share as DDP counts it
    finite: Tensor  # (items,) whether each one's loss is


class Taken(NamedTuple):
    """A step of which the host does not know yet whether the device left it out."""

    entry: Entry
    ids: list[str]
    layers: list[str]
    told: Later  # gradient norm, mean loss, whether all losses were finite, norms of the layers ...
    finite: Later  # ... and whether the loss of each item was


class Updates:
    """Gathers gradients of batches until a step takes them all."""

    def __init__(
        self, task: Task, state: State, config: TrainingConfig, warn: Callable[[str], None]
    ) -> None:
        self.state, self.config, self.warn = state, config, warn
        self.losses = sharing_gradients(task.losses, task.model, state.process)
        self.waiting: list[Gathered] = []  # for the next step
        self.unread: list[Taken] = []  # the last step, if it was not read yet
        buffers = list(task.model.buffers())  # such as the statistics of a batch norm
        self.buffers = [(buffer, buffer.clone()) for buffer in buffers]  # and before the last batch

    def steps(self, batch: Batch, rate: float, last: bool) -> Iterator[Entry]:
        """Train on a batch, the `last` of its epoch or not, at a learning rate.

        Returns:
            The steps of which is known by now what became of them; `last` leaves none out.

        Raises: TrainingError when too many steps of the epoch were not finite, or all.
        """
        for piece in pieces(batch, self.config.truncate):
            self._gather(piece)
            if len(self.waiting) == self.config.accumulate:
                yield from self._step(rate)
        if last and self.waiting:
            yield from self._step(rate)
        if last:
            yield from self.read()
            self._end_epoch()

    def read(self) -> Iterator[Entry]:
        """What became of the last step, unless that is told. Raises: TrainingError, as above."""
        position = self.state.position
        for taken in self.unread:
            norm, loss, fine, *layers = taken.told.read()
            if fine and (math.isfinite(norm) or self._scale_is_searched()):
                position.steps, position.loss_sum = position.steps + 1, position.loss_sum + loss
            else:
                self._skip(taken, "gradient" if fine else "loss")
            values = {"grad_norm": norm if fine else math.nan, "mean_loss": position.mean_loss}
            yield {**taken.entry, **values, **dict(zip(taken.layers, layers))}
        self.unread = []

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
        # DDP averages over processes, so that each one's share counts `world` times.
        loss = (losses * batch.weights).sum() * process.world / batch.total
        self.state.scaler.scale(loss).backward()
        finite = losses.isfinite()
        for buffer, before in self.buffers:  # one that has seen what is not finite would stay so
            buffer.copy_(torch.where(finite.all(), buffer, before))
        self.waiting.append(Gathered(batch.ids, loss.detach().double(), finite))

    def _step(self, rate: float) -> Iterator[Entry]:
        """Apply the mean gradient of what waits, clipped, if it is finite; read the step before."""
        state, model, count = self.state, self.state.model, len(self.waiting)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        state.scaler.unscale_(state.optimizer)
        divide_gradients(model, count)
        layers = layer_norms(model) if self.config.log_layers else {}
        norm = nn.utils.clip_grad_norm_(model.parameters(), self.config.clip).double()
        finite = torch.cat([batch.finite for batch in self.waiting])
        fine = lowest(finite.all().double(), state.process)  # 1, or 0
        step_if(norm.isfinite() & (fine > 0), state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        state.position.step += 1
        state.average.after_step(state.position.step)
        entry = {"epoch": state.position.epoch, "step": state.position.step, "rate": rate}
        loss = torch.stack([batch.loss for batch in self.waiting]).mean()
        told = Later(torch.stack([norm, loss, fine, *layers.values()]))
        ids = [name for batch in self.waiting for name in batch.ids]
        self.waiting = []
        yield from self.read()
        self.unread = [Taken(entry, ids, list(layers), told, Later(finite))]

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

    def _skip(self, taken: Taken, what: str) -> None:
        """Count a step whose losses or gradient were not finite; stop when there are too many."""
        position, names = self.state.position, taken.ids
        position.skipped += 1
        if what == "loss":
            names = [name for name, fine in zip(names, taken.finite.read()) if not fine]
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
