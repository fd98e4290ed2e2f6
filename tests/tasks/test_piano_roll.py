"""Piano rolls through the engine: whole and in pieces, resumed, and learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.data.rolls import KEYS, RollBatch, RollBatchConfig, RollBatches, collate
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.rolls import RollConfig, RollModel
from audio_rnn.runs.history import read_history
from audio_rnn.tasks.piano_roll import PianoRoll
from tests.data.test_rolls import random_roll

PLAIN = RollConfig(
    heads=("joint",), window=4, reach=2, hidden=6, layers=2, dropout=0, lowest=15, highest=65
)
BASE = TrainingConfig(epochs=2, rate=1e-2, device="cpu")
ROLLS = {f"r{n}": random_roll(2 + 7 * n % 13, seed=n) for n in range(10)}


def make(config: RollConfig = PLAIN) -> PianoRoll:
    torch.manual_seed(0)
    return PianoRoll(RollModel(config))


def batches(frames: int = 30, transpose: int = 4) -> RollBatches:
    return RollBatches(ROLLS, RollBatchConfig(frames, transpose))


def mean_loss(task: PianoRoll, batch: RollBatch) -> Tensor:
    """As the engine takes it."""
    return (task.losses(batch)["joint"] * batch.weights).sum() / batch.total


def test_the_loss_is_the_mean_over_frames_and_so_is_the_score() -> None:
    task, batch = make(), collate(ROLLS)
    total = -float(task.model.score(batch)["joint"].sum()) / sum(map(len, ROLLS.values()))
    assert mean_loss(task, batch).item() == pytest.approx(total, rel=1e-5)
    for frames in (1, 30, 1000):
        scores = task.evaluate(batches(frames).epoch(0))
        assert scores["nats"] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_carried_state_makes_pieces_tell_what_the_whole_tells(size: int) -> None:
    task, batch = make(), collate(ROLLS)
    pieces = list(batch.pieces(size))
    nats = sum(mean_loss(task, piece).item() * piece.total for piece in pieces)
    assert nats / batch.total == pytest.approx(mean_loss(task, batch).item(), rel=1e-5)
    carry = pieces[0].carry
    assert carry is not None and carry.state is not None
    assert not any(part.requires_grad for layer in carry.state for part in layer)


class Failing(RollBatches):
    """Breaks off in the middle of the second epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[RollBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i) == (2, 2):
                raise RuntimeError("power cut")
            yield batch


@pytest.mark.parametrize("truncate", [None, 4])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    tmp_path: Path, truncate: int | None
) -> None:
    config = replace(BASE, truncate=truncate, save_every=1)

    def train(name: str, data: RollBatches) -> dict[str, Tensor]:
        task = make(replace(PLAIN, dropout=0.3))
        Trainer(task, config, tmp_path / name).fit(data, batches())
        return task.model.state_dict()

    whole = train("whole", batches())
    with pytest.raises(RuntimeError, match="power cut"):
        train("parts", Failing(ROLLS, RollBatchConfig(30, 4)))
    parts = train("parts", batches())
    assert "going on at epoch 2" in (tmp_path / "parts" / "train.log").read_text()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


def test_chords_that_only_a_joint_model_can_tell(tmp_path: Path) -> None:
    """One of two chords at random, of three keys each: ln 2 nats jointly, six times that apart."""
    random = np.random.default_rng(0)
    chords = np.zeros((2, 1, KEYS), np.uint8)
    chords[0, 0, [20, 24, 27]] = chords[1, 0, [22, 26, 29]] = 1
    rolls = {f"r{n}": chords[random.integers(0, 2, 40)] for n in range(6)}
    data = RollBatches(rolls, RollBatchConfig(80))
    config = RollConfig(window=4, reach=2, hidden=16, dropout=0, lowest=18, highest=31)
    training = replace(BASE, epochs=25, rate=3e-2, averaging="none", validate_every=25)
    Trainer(make(config), training, tmp_path).fit(data, data)
    scores = list(read_history(tmp_path))[-1]
    assert scores["joint"] < 0.9 and 3.9 < scores["independent"] < 4.6
    assert scores["nats"] == pytest.approx((scores["joint"] + scores["independent"]) / 2)
