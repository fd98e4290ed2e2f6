"""How often a step asks the device for a number, which makes a GPU wait."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig, FrameMaskConfig
from audio_rnn.data.dataset import Example, collate
from audio_rnn.distributed.processes import Process
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.update import Updates
from audio_rnn.features import FeatureConfig
from audio_rnn.tasks.recognition import Recognition
from tests.small_model import small_model

ASKING = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}


class Questions(TorchDispatchMode):
    """Counts the operations that read a value of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func in ASKING
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("stretched", "asked"), [(0.0, 0), (0.5, 1)])
def test_a_step_asks_for_little(stretched: float, asked: int):
    """Only for the frames of stretched utterances."""
    config = TrainingConfig(optimizer="sgd", device="cpu", averaging="ema")
    model = small_model(features=FeatureConfig(normalization="utterance"))
    frames = FrameAugmentConfig(
        warp_probability=0.5, noise_probability=0.5, stretch_probability=stretched
    )
    task = Recognition(model.train(), AugmentConfig(frames=frames, masks=FrameMaskConfig(2)))
    updates = Updates(task, State(model, config, Process(0, 1, torch.device("cpu"))), config, print)
    inputs = torch.randn(2, 40, 13).numpy()
    batch = collate([Example("a", inputs[0], [1, 2]), Example("b", inputs[1, :30], [3])])
    list(updates.steps(batch, 0.1, last=False))
    with Questions() as questions:
        list(updates.steps(batch, 0.1, last=False))
    assert questions.count == asked
