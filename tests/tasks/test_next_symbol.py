"""The next symbol through the engine: whole and in pieces, resumed, and learned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audio_rnn.data.sequences import SequenceBatch, SequenceBatchConfig, SequenceBatches, collate
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.runs.history import read_history
from audio_rnn.tasks.next_symbol import NextSymbol
from audio_rnn.vocabulary import Vocabulary
from tests.test_layers import MODULES, imports, room

LETTERS = Vocabulary.from_texts(["abcdef"])
PLAIN = SequenceConfig(embedding=6, hidden=10, layers=2, dropout=0)
BASE = TrainingConfig(epochs=2, rate=1e-2, device="cpu")
RANDOM = torch.Generator().manual_seed(2)
SEQUENCES = {f"s{n}": torch.randint(1, 7, (n % 13,), generator=RANDOM).tolist() for n in range(24)}
BATCH = collate({"a": [1, 2, 3, 4, 5, 6, 1, 2], "b": [3, 3], "c": [5, 4, 3, 2, 1]})


def make(config: SequenceConfig = PLAIN) -> NextSymbol:
    torch.manual_seed(0)
    return NextSymbol(SequenceModel(config, LETTERS))


def batches(symbols: int = 80) -> SequenceBatches:
    return SequenceBatches(SEQUENCES, SequenceBatchConfig(symbols))


def mean_loss(task: NextSymbol, batch: SequenceBatch) -> Tensor:
    """As the engine takes it."""
    return (task.losses(batch)["nats"] * batch.weights).sum() / batch.total


def gradients(task: NextSymbol) -> list[Tensor]:
    return [p.grad.clone() for p in task.model.parameters() if p.grad is not None]


def test_the_loss_is_the_mean_over_symbols() -> None:
    task = make()
    total = task.model.score([[1, 2, 3, 4, 5, 6, 1, 2], [3, 3], [5, 4, 3, 2, 1]]).sum()
    assert mean_loss(task, BATCH).item() == pytest.approx(-float(total) / (9 + 3 + 6), rel=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman_tanh"])
def test_one_piece_that_covers_all_is_backpropagation_through_all(cell: str) -> None:
    task = make(replace(PLAIN, cell=cell))
    mean_loss(task, BATCH).backward()
    whole = gradients(task)
    task.model.zero_grad()
    (piece,) = BATCH.pieces(9)
    mean_loss(task, piece).backward()
    assert all(torch.equal(a, b) for a, b in zip(whole, gradients(task), strict=True))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_carried_state_makes_pieces_tell_what_the_whole_tells(size: int) -> None:
    task = make()
    task.model.eval()
    pieces = list(BATCH.pieces(size))
    nats = sum(mean_loss(task, piece).item() * piece.total for piece in pieces)
    assert nats / BATCH.total == pytest.approx(mean_loss(task, BATCH).item(), rel=1e-5)


def test_no_gradient_crosses_from_piece_to_piece() -> None:
    task = make()
    first, second, *_ = BATCH.pieces(4)
    task.losses(first)
    carry = first.carry
    assert carry is second.carry and carry is not None and carry.state is not None
    assert not any(part.requires_grad for layer in carry.state for part in layer)
    mean_loss(task, second).backward()
    assert all(gradient.isfinite().all() for gradient in gradients(task))


def test_a_sequence_that_has_ended_loses_nothing() -> None:
    *_, last = BATCH.pieces(4)
    assert last.lengths.tolist() == [1, 0, 0] and last.total == 1
    task = make()
    losses = task.losses(last)["nats"]
    assert losses[0] > 0 and not losses[1:].any()


def test_evaluation_does_not_depend_on_batches() -> None:
    task = make()
    task.model.eval()
    scores = [task.evaluate(batches(symbols).epoch(0)) for symbols in (1, 80, 10_000)]
    assert scores[1] == pytest.approx(scores[0], rel=1e-6)
    assert scores[2] == pytest.approx(scores[0], rel=1e-6)
    total = float(task.model.score(list(SEQUENCES.values())).sum())
    symbols = sum(len(ids) + 1 for ids in SEQUENCES.values())
    assert scores[0]["loss"] == pytest.approx(-total / symbols, rel=1e-6)
    assert scores[0]["perplexity"] == pytest.approx(math.exp(-total / symbols), rel=1e-5)


class Failing(SequenceBatches):
    """Breaks off in the middle of the second epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SequenceBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i) == (2, 2):
                raise RuntimeError("power cut")
            yield batch


@pytest.mark.parametrize("truncate", [None, 4])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    tmp_path: Path, truncate: int | None
) -> None:
    config = replace(BASE, truncate=truncate, save_every=1)
    dropping = replace(PLAIN, dropout=0.3)

    def train(name: str, data: SequenceBatches) -> dict[str, Tensor]:
        task = make(dropping)
        Trainer(task, config, tmp_path / name).fit(data, batches())
        return task.model.state_dict()

    whole = train("whole", batches())
    with pytest.raises(RuntimeError, match="power cut"):
        train("parts", Failing(SEQUENCES, SequenceBatchConfig(80)))
    assert (
        0
        < len(list(read_history(tmp_path / "parts")))
        < len(list(read_history(tmp_path / "whole")))
    )
    parts = train("parts", batches())
    assert "going on at epoch 2" in (tmp_path / "parts" / "train.log").read_text()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


CYCLE = {str(n): LETTERS.encode("abacadaeaf") for n in range(4)}  # after a, by what was before it


@pytest.mark.parametrize(
    ("cell", "truncate"), [("lstm", None), ("elman_relu", None), ("gru", 3), ("lstm", 3)]
)
def test_a_text_without_chance_comes_near_0_nats(
    tmp_path: Path, cell: str, truncate: int | None
) -> None:
    """In pieces, too: those that begin with an a can only be told from the state before."""
    data = SequenceBatches(CYCLE, SequenceBatchConfig(100))
    task = make(SequenceConfig(embedding=12, hidden=24, cell=cell, dropout=0))  # type: ignore[arg-type]
    changes = {"averaging": "none", "validate_every": 40, "truncate": truncate}
    config = replace(BASE, epochs=40 if truncate else 80, rate=2e-2, **changes)  # type: ignore[arg-type]
    Trainer(task, config, tmp_path).fit(data, data)
    scores = list(read_history(tmp_path))[-1]
    assert scores["loss"] < 0.05 and scores["perplexity"] < 1.06


def test_text_and_music_share_the_task_and_the_engine_as_they_are():
    """Neither knows what its symbols stand for."""
    for name in ("language_model", "music_generation"):
        used = imports(MODULES[f"recipes.{name}.train"])
        assert {"audio_rnn.tasks.next_symbol", "audio_rnn.engine.trainer"} <= used
    shared = [m for m in MODULES if m.startswith(("audio_rnn.engine.", "audio_rnn.runs."))]
    for module in ("audio_rnn.tasks.next_symbol", "audio_rnn.models.sequence", *shared):
        assert not {m for m in reached(module) if room(m) == "midi" or "music" in m}, module


def reached(module: str) -> set[str]:
    """All of the project that a module imports, and that imports in turn."""
    found, waiting = set(), {module}
    while waiting:
        found |= waiting
        waiting = {m for known in waiting for m in imports(MODULES[known])} - found
    return found
