"""What training scripts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.models.recurrent import make_cell
from recipes.training import begin


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_seed_makes_the_same_model_on_any_number_of_cores() -> None:
    made = []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        begin(TrainingConfig(seed=3))
        made.append(make_cell("lstm", 117, 128).state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
