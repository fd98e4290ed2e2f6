"""Training on a GPU is training on the CPU: the same losses, scores and weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.runs.history import read_history
from tests.on_gpu.conftest import Gpu
from tests.on_gpu.tasks import TASKS, make


def train(name: str, device: str, folder: Path, dropout: bool = False, **config: object) -> Trainer:
    """Without dropout, which a real GPU draws by its own generator."""
    task, batches = make(name)
    for module in task.model.modules():
        if hasattr(module, "p") and not dropout:
            module.p = 0.0
    chosen = {"rate": 1e-3, "optimizer": "sgd", "schedule": "plateau", "warmup": 0.0, **config}
    training = TrainingConfig(device=device, **chosen)  # type: ignore[arg-type]
    trainer = Trainer(task, training, folder)
    trainer.fit(batches, batches)
    return trainer


def check_alike(ours: Path, theirs: Path) -> None:
    for a, b in zip(read_history(ours), read_history(theirs), strict=True):
        assert a.keys() == b.keys()
        assert [*a.values()] == pytest.approx([*b.values()], rel=2e-3, nan_ok=True)
    first, second = (weights_in(folder) for folder in (ours, theirs))
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=1e-2, atol=1e-3)


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = (folder / "model").glob("*.safetensors")
    return load_file(path)


@pytest.mark.parametrize("name", TASKS)
def test_it_learns_what_it_learns_on_the_cpu(name: str, gpu: Gpu, tmp_path: Path) -> None:
    train(name, "cpu", tmp_path / "cpu", epochs=1)
    with gpu():
        train(name, "cuda", tmp_path / "gpu", epochs=1)
    check_alike(tmp_path / "gpu", tmp_path / "cpu")


@pytest.mark.parametrize(("averaging", "optimizer"), [("ema", "sgd"), ("last", "adamw")])
def test_a_resumed_run_equals_an_uninterrupted_one(
    averaging: str, optimizer: str, gpu: Gpu, tmp_path: Path
) -> None:
    options = {"averaging": averaging, "optimizer": optimizer, "dropout": True}
    with gpu():
        train("speech", "cuda", tmp_path / "whole", epochs=2, **options)
        train("speech", "cuda", tmp_path / "parts", epochs=1, **options)
        train("speech", "cuda", tmp_path / "parts", epochs=2, **options)
    check_alike(tmp_path / "whole", tmp_path / "parts")


def test_a_run_goes_on_where_there_is_no_gpu(gpu: Gpu, tmp_path: Path) -> None:
    with gpu():
        train("text", "cuda", tmp_path / "gpu", epochs=1, averaging="last")
    train("text", "cpu", tmp_path / "gpu", epochs=2, averaging="last")
    train("text", "cpu", tmp_path / "cpu", epochs=2, averaging="last")
    check_alike(tmp_path / "gpu", tmp_path / "cpu")


def test_where_a_cpu_scaled_no_loss_a_gpu_begins_to(gpu: Gpu, tmp_path: Path) -> None:
    """cuDNN computes in fp16 for bf16."""
    train("text", "cpu", tmp_path, epochs=1, averaging="last", precision="bf16")
    with gpu():
        trained = train("text", "cuda", tmp_path, epochs=2, averaging="last", precision="bf16")
        assert trained.state.scaler.get_scale() > 1


@pytest.mark.parametrize("name", ["speech", "sounds", "text", "rolls"])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_too(name: str, precision: str, gpu: Gpu, tmp_path: Path) -> None:
    with gpu(), torch.backends.mkldnn.flags(enabled=False):  # which has no LSTM of fp16
        train(
            name, "cuda", tmp_path, epochs=1, dropout=True, precision=precision, optimizer="adamw"
        )
    losses = [e["mean_loss"] for e in read_history(tmp_path) if "mean_loss" in e]
    assert all(np.isfinite(losses))
