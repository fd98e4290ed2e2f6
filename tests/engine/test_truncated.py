"""Truncated backpropagation through time: the state goes on where the gradient stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack, State
from audio_rnn.runs.history import read_history

FRAMES, PIECE = 60, 12


@dataclass
class Carry:
    """What one piece leaves to the next."""

    state: list[State] | None = None


@dataclass(frozen=True)
class Piece:
    ids: list[str]
    x: Tensor  # (items, frames, 1)
    y: Tensor  # (items, frames): the running sum of x, which only a carried state can know
    carry: Carry = field(default_factory=Carry)

    @property
    def weights(self) -> Tensor:
        return torch.ones(len(self.ids))

    @property
    def total(self) -> int:
        return len(self.ids)

    unit = "frames"
    padding = 0.0

    @property
    def size(self) -> float:
        return float(self.x.numel())

    def to(self, device: torch.device) -> Piece:
        return replace(self, x=self.x.to(device), y=self.y.to(device))

    def pieces(self, frames: int) -> Iterator[Piece]:
        carry = Carry()
        for x, y in zip(self.x.split(frames, 1), self.y.split(frames, 1)):
            yield replace(self, x=x, y=y, carry=carry)


class Sequences:
    def steps(self, epoch: int) -> int:
        return 2

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Piece]:
        for i in range(start, 2):
            x = torch.randn(4, FRAMES, 1, generator=torch.Generator().manual_seed(i)) / 4
            yield Piece([f"s{i}.{n}" for n in range(4)], x, x.squeeze(2).cumsum(1))


class RunningSum:
    monitor = "loss"
    better: Literal["lower", "higher"] = "lower"

    def __init__(self) -> None:
        torch.manual_seed(0)
        stack = RecurrentStack(RecurrentConfig("gru", 16, 1, bidirectional=False, dropout=0), 1)
        self.model = nn.ModuleDict({"stack": stack, "out": nn.Linear(16, 1)})
        self.seen: list[float] = []
        self.leaks: list[bool] = []

    def losses(self, batch: Piece) -> dict[str, Tensor]:
        state = batch.carry.state
        self.leaks.append(state is not None and any(h.requires_grad for s in state for h in s))
        lengths = torch.full((len(batch.ids),), batch.x.shape[1])
        h, last = self.model["stack"](batch.x, lengths, state)
        batch.carry.state = [tuple(part.detach() for part in layer) for layer in last]
        losses = ((self.model["out"](h).squeeze(2) - batch.y) ** 2).mean(dim=1)
        self.seen.append(float(losses.detach().mean()))
        return {"square": losses}

    def evaluate(self, batches: Iterable[Piece]) -> dict[str, float]:
        values = [float(self.losses(batch)["square"].mean()) for batch in batches]
        return {"loss": sum(values) / len(values)}

    def describe(self) -> dict[str, Any]:
        return {"kind": "sum"}


def train(run_dir: Path, **change: Any) -> RunningSum:
    task = RunningSum()
    config = TrainingConfig(epochs=1, device="cpu", averaging="none", validate_every=1)
    Trainer(task, replace(config, **change), run_dir).fit(Sequences(), Sequences())
    return task


def test_pieces_go_on_from_the_state_of_the_one_before(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", rate=1e-12).seen[:2]
    pieces = train(tmp_path / "pieces", rate=1e-12, truncate=PIECE).seen[: 2 * FRAMES // PIECE]
    count = FRAMES // PIECE
    means = [sum(pieces[i : i + count]) / count for i in (0, count)]
    assert means == pytest.approx(whole, rel=1e-5)


def test_every_piece_is_a_step_and_no_gradient_crosses(tmp_path: Path) -> None:
    task = train(tmp_path, truncate=PIECE)
    steps = [entry for entry in read_history(tmp_path) if "rate" in entry]
    assert len(steps) == 2 * FRAMES // PIECE
    assert not any(task.leaks)


def test_what_spans_pieces_is_learned(tmp_path: Path) -> None:
    train(tmp_path, truncate=PIECE, epochs=60, rate=2e-2)
    losses = [entry["loss"] for entry in read_history(tmp_path) if "loss" in entry]
    assert losses[-1] < 0.3 * losses[0]
