"""How often a step of training waits for the GPU: never, but for torch's own CTC loss."""

from __future__ import annotations

import pytest
import torch

from tests.on_gpu.tasks import TASKS, make
from tests.simulated_gpu import CUDA, simulated_gpu

# `ctc_loss` sends the lengths to the GPU by itself, from memory that nobody pinned.
BY_TORCH = "ctc_loss("


@pytest.mark.parametrize("name", TASKS)
def test_a_step_waits_for_nothing(name: str) -> None:
    with simulated_gpu() as gpu:
        task, batches = make(name)
        task.model.to(CUDA).train()
        for epoch in (1, 2):
            gpu.waits.clear()
            for batch in batches.epoch(epoch):
                losses = task.losses(batch.to(CUDA))
                torch.stack(list(losses.values())).sum().backward()
        assert [wait for wait in gpu.waits if BY_TORCH not in wait.line] == []
