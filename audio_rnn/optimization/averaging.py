"""Averages of the weights along training, which score better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


class Average:
    """Exponential average over steps (Polyak & Juditsky 1992), or mean over the last epochs.

    torch's own, `AveragedModel`, asks a tensor for its count at every step, and knows no window.
    """

    def __init__(
        self, model: nn.Module, kind: Literal["none", "ema", "last"], decay: float, last: int
    ) -> None:
        """`decay` is that of "ema" a step, `last` the number of epochs of "last"."""
        self.model, self.kind, self.decay, self.last = model, kind, decay, last
        self.values: Weights = {}
        self.snapshots: list[Weights] = []

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Take in the weights after optimiser step number `step`, 1 and up."""
        if self.kind != "ema":
            return
        if not self.values:
            self.values = self._snapshot()
            return
        decay = min(self.decay, (1 + step) / (10 + step))  # young averages forget faster
        current = dict(self.model.named_parameters())
        torch._foreach_lerp_(
            list(self.values.values()), [current[k] for k in self.values], 1 - decay
        )

    @torch.no_grad()
    def after_epoch(self) -> None:
        """Take in the weights after an epoch."""
        if self.kind == "last":
            self.snapshots = [*self.snapshots, self._snapshot()][-self.last :]
            count = len(self.snapshots)
            self.values = {k: sum(s[k] for s in self.snapshots) / count for k in self.snapshots[0]}  # type: ignore[misc]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within: the model holds the average."""
        own = self._snapshot()
        self.model.load_state_dict(self.values, strict=False)
        try:
            yield
        finally:
            self.model.load_state_dict(own, strict=False)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs."""
        return {"values": self.values, "snapshots": self.snapshots}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state`, whose tensors may lie on another device than the model."""
        places = {name: weight.device for name, weight in self.model.named_parameters()}
        self.values, *self.snapshots = (
            {name: value.to(places[name]) for name, value in weights.items()}
            for weights in (state["values"], *state["snapshots"])
        )

    def _snapshot(self) -> Weights:
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}
