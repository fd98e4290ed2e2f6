from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from audio_rnn import storage
from audio_rnn.errors import ModelError
from audio_rnn.models.speech import SpeechModel
from tests.small_model import save_small_model

NAME = "acoustic.output.bias"


def forge(folder: Path, change: dict[str, torch.Tensor | None]) -> None:
    """Save the model again with some tensors changed, or left out, all hashes right."""
    values, tensors = storage.load(folder / "model", "model")
    changed = {name: value for name, value in (tensors | change).items() if value is not None}
    description = {name: values[name] for name in ("kind", "config", "vocabulary")}
    storage.save(folder / "model", "model", description, changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({NAME: torch.zeros(3)}, rf"found shape (3,) as '{NAME}', expected shape (16,)"),
        ({NAME: None}, f"found no tensor as '{NAME}', expected shape (16,)"),
        ({"more": torch.zeros(2, 1)}, "found shape (2, 1) as 'more', expected no tensor"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(
    tmp_path: Path, change: dict[str, torch.Tensor | None], message: str
) -> None:
    forge(save_small_model(tmp_path), change)
    whole = f"{tmp_path}: weights: {message}; copy the whole folder again"
    with pytest.raises(ModelError, match=f"^{re.escape(whole)}$"):
        SpeechModel.load(tmp_path)
