"""How often a step of training waits for the GPU: never, but for torch's own CTC loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from audio_rnn.augment import AugmentConfig, WaveformAugmentConfig
from audio_rnn.engine.task import Batches, Task
from audio_rnn.tasks.recognition import Recognition
from tests.on_gpu.tasks import TASKS, make
from tests.simulated_gpu import CUDA, simulated_gpu
from tests.small_model import write_sounds

# `ctc_loss` sends the lengths to the GPU by itself, from memory that nobody pinned.
BY_TORCH = "ctc_loss("


@pytest.mark.parametrize("name", TASKS)
def test_a_step_waits_for_nothing(name: str) -> None:
    check_steps(lambda: make(name))


def test_nor_does_one_with_recorded_noises_and_rooms(tmp_path: Path) -> None:
    write_sounds(tmp_path, 0.5, 0.7)
    recorded = WaveformAugmentConfig(
        room_probability=1.0, room_folder=tmp_path, noise_probability=1.0, noise_folder=tmp_path
    )

    def prepared() -> tuple[Task, Batches]:
        task, batches = make("speech")
        return Recognition(task.model, AugmentConfig(recorded)), batches  # type: ignore[arg-type]

    check_steps(prepared)


def check_steps(prepared: Callable[[], tuple[Task, Batches]]) -> None:
    with simulated_gpu() as gpu:
        task, batches = prepared()
        task.model.to(CUDA).train()
        for epoch in (1, 2):
            gpu.waits.clear()
            for batch in batches.epoch(epoch):
                losses = task.losses(batch.to(CUDA))
                torch.stack(list(losses.values())).sum().backward()
        assert [wait for wait in gpu.waits if BY_TORCH not in wait.line] == []
