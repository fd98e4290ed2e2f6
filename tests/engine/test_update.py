"""What a step makes a GPU wait for, and which steps it takes."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig, FrameMaskConfig
from audio_rnn.data.dataset import Batch, Example, collate
from audio_rnn.distributed.processes import Process
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.update import Updates
from audio_rnn.features import FeatureConfig
from audio_rnn.optimization.optimizer import make_optimizer, step_if
from audio_rnn.runs.outcomes import Entry
from audio_rnn.tasks.recognition import Recognition
from tests.engine.toy import ToyBatches
from tests.on_gpu.tasks import TASKS, make
from tests.simulated_gpu import CUDA, SimulatedGpu, simulated_gpu
from tests.small_model import small_model

CPU = torch.device("cpu")
CONFIG = TrainingConfig(averaging="ema", accumulate=2, log_layers=True)


class Told:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.warnings: list[str] = []
        self.step, self.warn = self.entries.append, self.warnings.append

    def new(self) -> list[Entry]:
        """Of the steps since the last call."""
        entries = self.entries.copy()
        self.entries.clear()
        return entries


def updates(told: Told, stretched: float = 0.0) -> Updates:
    model = small_model(features=FeatureConfig(normalization="utterance"))
    frames = FrameAugmentConfig(
        warp_probability=0.5, noise_probability=0.5, stretch_probability=stretched
    )
    task = Recognition(model.train(), AugmentConfig(frames=frames, masks=FrameMaskConfig(2)))
    return Updates(task, State(model, CONFIG, Process(0, 1, CUDA)), CONFIG, told)


def batch() -> Batch:
    inputs = torch.randn(2, 40, 13).numpy()
    return collate([Example("a", inputs[0], [1, 2]), Example("b", inputs[1, :30], [3])])


def waits(gpu: SimulatedGpu) -> list[str]:
    """All since the last call, but for the loss of torch: it sends lengths, and waits for that."""
    whats = [wait.what for wait in gpu.waits if wait.what != "ctc_loss"]
    gpu.waits.clear()
    return whats


@pytest.mark.parametrize("stretched", [0.0, 1.0])
def test_a_step_is_waited_for_when_the_next_is_under_way(stretched: float) -> None:
    """Even with the norms of all layers."""
    with simulated_gpu() as gpu:
        told, given = Told(), batch().to(CUDA)
        training = updates(told, stretched)
        training.steps(given, 0.1, last=False)
        waits(gpu)  # for tables that are made once
        for _ in range(2):
            training.steps(given, 0.1, last=False)
        assert waits(gpu) == [] and told.new() == []
        training.steps(given, 0.1, last=False)
        assert waits(gpu) == ["Event.synchronize"]
        (entry,) = told.new()
        assert entry["step"] == 1 and entry["grad_norm"] > 0 and len(entry) > 10
        training.read()
        assert [entry["step"] for entry in told.new()] == [2]
        training.read()
        assert told.new() == []


@pytest.mark.parametrize("bad", [0, 1])
def test_a_step_with_a_loss_that_is_not_finite_changes_nothing(bad: int) -> None:
    """Whichever of its two batches has it; what the optimiser knows stays as well."""
    with simulated_gpu():
        told, given = Told(), batch().to(CUDA)
        training = updates(told)
        training.steps(given, 0.1, last=False)
        training.steps(given, 0.1, last=False)
        training.read()
        assert [entry["step"] for entry in told.new()] == [1]
        model, optimizer = training.state.model, training.state.optimizer
        before = [value.cpu().clone() for value in model.state_dict().values()]
        moments = [state["exp_avg"].cpu().clone() for state in optimizer.state.values()]
        steps = [state["step"].cpu().clone() for state in optimizer.state.values()]
        for i in range(2):
            spoilt = replace(given, inputs=given.inputs * torch.nan) if i == bad else given
            training.steps(spoilt, 0.1, last=False)
        training.read()
        (entry,) = told.new()
        assert told.warnings == ["loss not finite, batch skipped: a, b"]
        assert math.isnan(entry["grad_norm"]) and training.state.position.skipped == 1
        after = [value.cpu() for value in model.state_dict().values()]
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        for name, known in (("exp_avg", moments), ("step", steps)):
            now = [state[name].cpu() for state in optimizer.state.values()]
            assert all(torch.equal(a, b) for a, b in zip(known, now, strict=True))


class Running(nn.Module):
    """A norm with statistics of its own."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.lerp_(x.mean(0), 0.1)
        self.variance.lerp_(x.var(0), 0.1)
        return (x - self.mean) * self.variance.rsqrt()


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, Running])
def test_statistics_see_nothing_of_a_batch_that_is_not_finite(norm: type[nn.Module]) -> None:
    model = nn.Sequential(norm(2), nn.Linear(2, 1))
    task = SimpleNamespace(
        model=model, losses=lambda b: {"square": (model(b.x[:, 0]).squeeze(1) - b.y) ** 2}
    )
    training = Updates(task, State(model, CONFIG, Process(0, 1, CPU)), CONFIG, Told())
    good = next(ToyBatches().epoch(1))
    bad = replace(good, x=good.x * torch.nan)
    for given in (good, bad, bad, good):
        before = [buffer.clone() for buffer in model.buffers()]
        training.steps(given, 0.1, last=False)
        pairs = zip(before, model.buffers(), strict=True)
        assert {torch.equal(old, new) for old, new in pairs} == {given is bad}


@pytest.mark.parametrize("name", TASKS)
def test_what_a_checkpoint_leaves_out_is_the_same_after_a_batch(name: str) -> None:
    """So that nothing has to be put back there, nor is lost where a training goes on."""
    task, batches = make(name)
    state = task.model.train().state_dict()
    before = {key: b.clone() for key, b in task.model.named_buffers() if key not in state}
    for given in batches.epoch(1):
        task.losses(given)
    after = {key: b for key, b in task.model.named_buffers() if key not in state}
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_first_step_that_is_left_out_is_as_if_it_had_not_been(kind: Literal["adamw", "sgd"]):
    """Torch's fused SGD would go on with a momentum that nobody has written."""
    networks = [torch.nn.Linear(300, 300) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    for network, steps in zip(networks, ([False, True], [True])):
        optimizer = make_optimizer(network, kind, 0.1, 0.01)
        for fine in steps:
            for parameter in network.parameters():
                parameter.grad = torch.full_like(parameter, 1.0 if fine else torch.nan)
            step_if(torch.tensor(fine), optimizer)
    assert torch.equal(networks[0].weight, networks[1].weight)
