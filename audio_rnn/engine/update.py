"""From the losses of batches to steps of the optimiser; what is not finite is skipped.

The host waits for no step: the device itself leaves out one that is not finite, and what became of
it is read when the next one has been asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audio_rnn.distributed.processes import sharing_gradients, total
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task, Truncated
from audio_rnn.errors import ConfigError
from audio_rnn.optimization.optimizer import divide_gradients, layer_norms, step_if
from audio_rnn.optimization.statistics import Statistics
from audio_rnn.runs.log import Log
from audio_rnn.runs.outcomes import Outcomes, Step

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Gathered(NamedTuple):
    """Of a batch whose gradient waits for a step, or of all of them."""

    ids: list[str]
    loss: Tensor  # () float64, of all processes; of several batches the mean
    finite: Tensor  # (items,) whether each one's loss is, of this process
    fine: Tensor  # () whether that of every item of all processes is


class Updates:
    """Gathers gradients of batches until a step takes them all."""

    def __init__(self, task: Task, state: State, config: TrainingConfig, log: Log) -> None:
        """`log` hears of each step when it is known what became of it."""
        self.state, self.config, self.log = state, config, log
        self.losses = sharing_gradients(task.losses, task.model, state.process)
        self.waiting: list[Gathered] = []  # for the next step
        remedy = f"lower training.rate ({config.rate}) or training.clip ({config.clip})"
        self.outcomes = Outcomes(log.warn, config.skip_limit, f"check these items, {remedy}")
        self.statistics = Statistics(task.model)

    def steps(self, batch: Batch, rate: float, last: bool) -> None:
        """Train on a batch, the `last` of its epoch or not, at a learning rate.

        Raises: TrainingError when too many steps of the epoch were not finite, or all.
        """
        for piece in pieces(batch, self.config.truncate):
            self._gather(piece)
            if len(self.waiting) == self.config.accumulate:
                self._step(rate)
        if last and self.waiting:
            self._step(rate)
        if last:
            self.read()
            self.outcomes.check(self.state.position)
            self.state.average.after_epoch()

    def read(self) -> None:
        """Tell what became of the last step, unless that is told. Raises: TrainingError, as above."""
        for entry in self.outcomes.read(self.state.position, self._searching):
            self.log.step(entry)

    def _searching(self) -> bool:
        """Whether the scale of the loss may still be too large, as it is at first."""
        return self.state.scaler.is_enabled() and self.state.scaler.get_scale() >= 1

    def close(self) -> None:
        """Let go of DDP, which would keep the group of processes alive beyond `stop`."""
        del self.losses

    def _gather(self, batch: Batch) -> None:
        """Add a batch's gradient."""
        process, dtype = self.state.process, AUTOCAST.get(self.config.precision)
        self.statistics.remember()
        with torch.autocast(process.device.type, dtype, enabled=dtype is not None):
            losses = torch.stack(list(self.losses(batch).values())).sum(dim=0)  # (items,)
        # DDP averages over processes, so that each one's share counts `world` times.
        loss = (losses * batch.weights).sum() * process.world / batch.total
        self.state.scaler.scale(loss).backward()
        finite = losses.isfinite()
        lost = (~finite.all()).double()
        lost, loss = total(torch.stack([lost, loss.detach().double()]), process)
        self.statistics.keep_if(lost == 0)  # by the batch of all, as they are taken
        self.waiting.append(Gathered(batch.ids, loss / process.world, finite, lost == 0))

    def _step(self, rate: float) -> None:
        """A step along the mean gradient of what waits; the step before is read."""
        position, gathered = self.state.position, merged(self.waiting)
        norm, layers = self._clip(len(self.waiting))
        self._move(rate, norm.isfinite() & gathered.fine)
        entry = {"epoch": position.epoch, "step": position.step, "rate": rate}
        self.waiting = []
        self.read()
        fine = gathered.fine.double()
        step = Step(gathered.ids, gathered.finite, fine, gathered.loss, norm, layers)
        self.outcomes.take(step, entry)

    def _clip(self, count: int) -> tuple[Tensor, dict[str, Tensor]]:
        """From the scaled sum of `count` gradients to their mean, clipped; its norms before that."""
        model, state = self.state.model, self.state
        state.scaler.unscale_(state.optimizer)
        divide_gradients(model, count)
        layers = layer_norms(model) if self.config.log_layers else {}
        return nn.utils.clip_grad_norm_(model.parameters(), self.config.clip).double(), layers

    def _move(self, rate: float, fine: Tensor) -> None:
        """Apply the gradient where `fine` () is true, and be done with it."""
        state = self.state
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        step_if(fine, state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        state.position.step += 1
        state.average.after_step(state.position.step)


def merged(batches: list[Gathered]) -> Gathered:
    """Those of one step."""
    names, losses, finites, fine = zip(*batches)
    loss, every = torch.stack(losses).mean(), torch.stack(fine).all()
    return Gathered([*chain(*names)], loss, torch.cat(finites), every)


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
