"""From the losses of batches to steps of the optimiser; what is not finite is skipped.

The host waits for no step: the device itself leaves out one that is not finite, and what became of
it is read when the next one has been asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audio_rnn.distributed.processes import lowest, sharing_gradients
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task, Truncated
from audio_rnn.errors import ConfigError
from audio_rnn.optimization.optimizer import divide_gradients, layer_norms, step_if
from audio_rnn.runs.outcomes import Entry, Outcomes, Step

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Gathered(NamedTuple):
    """A batch whose gradient waits for a step."""

    ids: list[str]
    loss: Tensor  # () float64, of this process's share as DDP counts it
    finite: Tensor  # (items,) whether each one's loss is


class Updates:
    """Gathers gradients of batches until a step takes them all."""

    def __init__(
        self, task: Task, state: State, config: TrainingConfig, warn: Callable[[str], None]
    ) -> None:
        self.state, self.config = state, config
        self.losses = sharing_gradients(task.losses, task.model, state.process)
        self.waiting: list[Gathered] = []  # for the next step
        self.outcomes = Outcomes(warn, config.skip_limit, remedy(config))
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
            self.outcomes.check(self.state.position)
            self.state.average.after_epoch()

    def read(self) -> Iterator[Entry]:
        """What became of the last step, unless that is told. Raises: TrainingError, as above."""
        return self.outcomes.read(self.state.position, self._searching)

    def _searching(self) -> bool:
        """Whether the scale of fp16 may still be too large, as it is at first."""
        return self.state.scaler.is_enabled() and self.state.scaler.get_scale() >= 1

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
        state, model, gathered = self.state, self.state.model, self.waiting
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        state.scaler.unscale_(state.optimizer)
        divide_gradients(model, len(gathered))
        layers = layer_norms(model) if self.config.log_layers else {}
        norm = nn.utils.clip_grad_norm_(model.parameters(), self.config.clip).double()
        finite = torch.cat([batch.finite for batch in gathered])
        fine = lowest(finite.all().double(), state.process)
        step_if(norm.isfinite() & (fine > 0), state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        state.position.step += 1
        state.average.after_step(state.position.step)
        entry = {"epoch": state.position.epoch, "step": state.position.step, "rate": rate}
        loss = torch.stack([batch.loss for batch in gathered]).mean()
        ids = [name for batch in gathered for name in batch.ids]
        self.waiting = []
        yield from self.read()
        self.outcomes.take(Step(ids, finite, fine, loss, norm, layers), entry)


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
