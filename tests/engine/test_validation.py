"""Which epoch is the best, when the rate halves, when training stops, and what is said at its end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audio_rnn import storage
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.engine.validation import judge
from audio_rnn.errors import ConfigError, TrainingError
from audio_rnn.runs import checkpoint
from audio_rnn.runs.history import read_history
from audio_rnn.runs.position import Position
from tests.engine.toy import ToyBatches, ToyTask

BASE = TrainingConfig(epochs=4, rate=1e-2, device="cpu")


class Told(ToyTask):
    """A task whose scores are given, an epoch each; the last ones stay."""

    def __init__(self, *scores: dict[str, float]) -> None:
        super().__init__()
        self.scores = list(scores)

    def evaluate(self, batches: Iterable[object]) -> dict[str, float]:
        return self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]


def fit(folder: Path, config: TrainingConfig, *scores: dict[str, float]) -> Position:
    return Trainer(Told(*scores), config, folder).fit(ToyBatches(items=8), ToyBatches(items=8))


def falling() -> Iterator[dict[str, float]]:
    """An error that stands still while the loss falls."""
    for epoch in range(9):
        yield {"error": 1.0, "loss": 3.0 - epoch / 10}


def kept_epoch(folder: Path) -> int:
    return int(storage.load(folder / "model", "model")[0]["epoch"])


def test_of_equal_scores_the_one_of_lower_loss_is_kept(tmp_path: Path) -> None:
    losses = (3.0, 2.0, 2.5, 2.0)
    position = fit(tmp_path, BASE, *({"error": 1.0, "loss": loss} for loss in losses))
    assert kept_epoch(tmp_path) == position.best_epoch == 2


def test_a_better_score_wins_whatever_its_loss(tmp_path: Path) -> None:
    scores = ({"error": 1.0, "loss": 1.0}, {"error": 0.9, "loss": 5.0}, {"error": 1.0, "loss": 0.1})
    fit(tmp_path, BASE, *scores)
    assert kept_epoch(tmp_path) == 2


def test_patience_and_plateau_see_a_falling_loss(tmp_path: Path) -> None:
    config = replace(BASE, epochs=9, schedule="plateau", plateau_epochs=1, patience=2)
    position = fit(tmp_path, config, *falling())
    assert (position.epoch, position.rate_scale, position.stopped) == (10, 1.0, False)


def test_without_a_loss_the_first_of_equal_scores_is_kept() -> None:
    position = Position()
    task = ToyTask()
    assert judge(task, {"error": 1.0}, position, BASE)
    assert not judge(task, {"error": 1.0}, position, BASE)


def test_the_end_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, BASE, {"error": 0.5}, {"error": 0.25}, {"error": 0.3})
    said = f"trained 4 epochs\nbest: epoch 2, error 0.2500, model in {tmp_path}/model\n"
    assert capsys.readouterr().err.endswith(said)
    fit(tmp_path, BASE, {"error": 0.5})
    assert capsys.readouterr().err == f"trained already; nothing is left to do\n{said}"


def test_an_early_end_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, replace(BASE, epochs=50, patience=2), {"error": 0.5})
    told = "trained 3 epochs, stopped early: error got no better for training.patience (2)"
    assert told in capsys.readouterr().err


def test_an_end_without_a_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path, BASE, {"error": math.nan})
    assert "trained 4 epochs; no model was kept" in capsys.readouterr().err


def test_more_epochs_of_a_plateau_go_on(tmp_path: Path) -> None:
    plateau = replace(BASE, schedule="plateau", plateau_epochs=9)
    fit(tmp_path, plateau, {"error": 0.5})
    fit(tmp_path, replace(plateau, epochs=6), {"error": 0.4})
    rates = {e["epoch"]: e["rate"] for e in read_history(tmp_path) if "rate" in e}
    assert list(rates) == [1, 2, 3, 4, 5, 6] and rates[6] == rates[4]
    assert kept_epoch(tmp_path) == 5


def test_a_disk_that_is_full_at_the_first_save_promises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "_flush", full)
    with pytest.raises(TrainingError, match=r"No space left on device; make room or fix"):
        checkpoint.save_state(tmp_path / "checkpoint", {"epoch": 1})


def test_the_last_model_is_kept_when_asked_for(tmp_path: Path) -> None:
    """Also without validation data, which keep: best cannot do without."""
    config = replace(BASE, epochs=2, keep="last")
    end = Trainer(ToyTask(), config, tmp_path / "told").fit(ToyBatches(), ToyBatches())
    assert end.best_epoch is not None
    trainer = Trainer(ToyTask(), config, tmp_path / "alone")
    assert trainer.fit(ToyBatches(), None).best is None
    told, alone = (storage.load(tmp_path / name / "model", "model") for name in ("told", "alone"))
    assert told[1].keys() == alone[1].keys()
    for name, value in told[1].items():
        assert torch.equal(value, alone[1][name])
    assert alone[0]["epoch"] == 2
    with pytest.raises(ConfigError, match=r"training.keep: found 'best', expected 'last'"):
        Trainer(ToyTask(), BASE, tmp_path / "none").fit(ToyBatches(), None)
