"""All that the engine knows of a task, and of its data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn

from audio_rnn.runs.meter import Measurable


class Batch(Measurable, Protocol):
    """Items that are trained on together; this process's share of them."""

    @property
    def ids(self) -> list[str]:
        """Names, for messages."""

    @property
    def weights(self) -> Tensor:
        """(items,) 1, or 0 for an item that only keeps this process in step."""

    @property
    def total(self) -> int:
        """Items over all processes."""

    def to(self, device: torch.device) -> Self:
        """The same batch on another device."""


class Batches(Protocol):
    """Training or validation data. The order of an epoch depends on its number only."""

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Batches of an epoch, 1 and up shuffled, 0 in plain order; from batch `start` on."""


class Task(Protocol):
    """A model with its losses and its score."""

    monitor: str  # the entry of `evaluate` that selects the best checkpoint
    better: Literal["lower", "higher"]

    @property
    def model(self) -> nn.Module:
        """What is trained and saved."""

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Named losses, each (items,); their sum is minimised."""

    def evaluate(self, batches: Iterable[Any]) -> dict[str, float]:
        """Scores on held-out data; the model is in evaluation mode.

        `loss`, if it is among them, chooses between epochs of equal score.
        """

    def describe(self) -> dict[str, Any]:
        """What a model folder needs to rebuild the model."""


@runtime_checkable
class Truncated(Protocol):
    """A batch that can be trained on piece by piece along time."""

    def pieces(self, frames: int) -> Iterator[Batch]:
        """Consecutive pieces; the task carries its state, detached, from one to the next."""
