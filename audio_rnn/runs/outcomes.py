"""What becomes of steps: told by the device a step later, counted, and too many lost ones refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from audio_rnn.device import Later
from audio_rnn.errors import TrainingError
from audio_rnn.runs.position import Position

Entry = dict[str, float]  # of a step, for the history


class Step(NamedTuple):
    """What a device knows of a step."""

    ids: list[str]
    finite: Tensor  # (items,) whether the loss of each item of this process is
    fine: Tensor  # () 1 where that of every item of all processes is, else 0
    loss: Tensor  # () mean of its batches
    norm: Tensor  # () of the gradient
    layers: dict[str, Tensor]  # of each layer's, if wanted


class Outcomes:
    """Of the steps of a training, in order; the last one is not known until it is asked for."""

    def __init__(self, warn: Callable[[str], None], limit: int, remedy: str) -> None:
        """`limit` steps an epoch may be lost, before an error that has a `remedy`."""
        self.warn, self.limit, self.remedy = warn, limit, remedy
        self.unread: list[tuple[Entry, Step, Later, Later]] = []

    def take(self, step: Step, entry: Entry) -> None:
        """Ask for what becomes of a step; the one before was read."""
        told = torch.stack([step.norm, step.loss, step.fine, *step.layers.values()])
        self.unread = [(entry, step, Later(told), Later(step.finite))]

    def read(self, position: Position, searching: Callable[[], bool]) -> Iterator[Entry]:
        """The last step, unless it was read; `position` counts it.

        Args:
            searching: whether a gradient may have overflown for its scale, which is halved then.

        Raises: TrainingError when too many steps of the epoch were lost.
        """
        for entry, step, told, finite in self.unread:
            norm, loss, fine, *layers = told.read()
            if fine and (math.isfinite(norm) or searching()):
                position.steps, position.loss_sum = position.steps + 1, position.loss_sum + loss
            elif fine:
                self._lose("gradient", step.ids, position)
            else:
                bad = [name for name, good in zip(step.ids, finite.read()) if not good]
                self._lose("loss", bad, position)
            values = {"grad_norm": norm if fine else math.nan, "mean_loss": position.mean_loss}
            yield {**entry, **values, **dict(zip(step.layers, layers))}
        self.unread = []

    def _lose(self, what: str, names: list[str], position: Position) -> None:
        """Count a step whose losses or gradient were not finite; stop when there are too many."""
        position.skipped += 1
        shown = ", ".join(names[:5])
        if names:  # in the process that has them
            self.warn(f"{what} not finite, batch skipped: {shown}")
        if position.skipped > self.limit:
            raise TrainingError(
                f"epoch {position.epoch}: {position.skipped} batches with a loss or gradient "
                f"that is not finite, last a {what} with {shown or 'others'}; "
                f"expected at most {self.limit}: {self.remedy}"
            )

    def check(self, position: Position) -> None:
        """Raises: TrainingError at the end of an epoch whose steps were all lost."""
        if not position.steps:
            raise TrainingError(
                f"epoch {position.epoch}: no batch had a finite loss and gradient; {self.remedy}"
            )
