"""A task that is none of the toolkit's: the last value of a sequence is to be told at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ToyBatch:
    ids: list[str]
    x: Tensor  # (items, frames, 2)
    y: Tensor  # (items,)
    weights: Tensor
    total: int
    padding: float = 0.0
    unit = "frames"

    @property
    def size(self) -> float:
        return float(self.x.shape[0] * self.x.shape[1])

    def to(self, device: torch.device) -> ToyBatch:
        return replace(
            self, x=self.x.to(device), y=self.y.to(device), weights=self.weights.to(device)
        )


class ToyBatches:
    """40 sequences of 6 frames in batches of 8; process `rank` of `world` gets its share."""

    def __init__(
        self, rank: int = 0, world: int = 1, dtype: torch.dtype = torch.float32, items: int = 40
    ) -> None:
        make = torch.Generator().manual_seed(5)
        self.x = torch.randn(items, 6, 2, generator=make).to(dtype)
        self.y = self.x[:, 0, 0] - self.x[:, 3, 1]
        self.rank, self.world = rank, world
        self.asked: list[tuple[int, int]] = []  # the epochs, and the batch that each began at

    def steps(self, epoch: int) -> int:
        return -(-len(self.x) // 8)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        self.asked.append((epoch, start))
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(epoch))
        for whole in order.split(8)[start:]:
            mine = whole[self.rank :: self.world]
            idle = len(mine) == 0
            chosen = whole[:1] if idle else mine
            weights = torch.full((len(chosen),), 0.0 if idle else 1.0)
            names = [f"item{i}" for i in chosen.tolist()]
            yield ToyBatch(names, self.x[chosen], self.y[chosen], weights, len(whole))


class ToyTask:
    monitor = "error"
    better: Literal["lower", "higher"] = "lower"

    def __init__(
        self, dtype: torch.dtype = torch.float32, dropout: float = 0.2, poison: str | None = None
    ) -> None:
        torch.manual_seed(0)
        self.model = nn.ModuleDict(
            {"cell": nn.GRU(2, 8, batch_first=True), "out": nn.Linear(8, 1)}
        ).to(dtype)
        self.dropout = dropout
        self.poison = poison

    def losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        h = nn.functional.dropout(
            self.model["cell"](batch.x)[0][:, -1], self.dropout, self.model.training
        )
        losses = (self.model["out"](h).squeeze(1) - batch.y) ** 2
        bad = torch.tensor([self.model.training and name == self.poison for name in batch.ids])
        return {"square": torch.where(bad, torch.nan, losses) if bad.any() else losses}

    def evaluate(self, batches: Iterable[ToyBatch]) -> dict[str, float]:
        losses = torch.cat([self.losses(batch)["square"] for batch in batches])
        return {"loss": float(losses.mean()), "error": float(losses.mean().sqrt())}

    def describe(self) -> dict[str, Any]:
        return {"kind": "toy"}
