"""Model folders: a description that rebuilds the model, and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from audio_rnn import storage
from audio_rnn.errors import ModelError

NAME = "model"


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder holds."""

    description: dict[str, Any]
    weights: dict[str, Tensor]


def write_model(folder: Path, model: nn.Module, description: dict[str, Any]) -> None:
    """Save a model's weights with the description it is rebuilt from. Raises OSError."""
    storage.save(folder, NAME, description, dict(model.state_dict()))


def read_model(folder: Path, kind: str) -> ModelFolder:
    """Read a model folder, or the one inside a run folder.

    Raises: ModelError when there is none, it is broken, or it holds another kind of model.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; expected the run folder of a training")
    inside = folder / NAME
    description, weights = storage.load(inside if inside.is_dir() else folder, NAME)
    if description.get("kind") != kind:
        raise ModelError(
            f"{folder}: found a model of kind {description.get('kind')!r}, expected {kind!r}"
        )
    return ModelFolder(description, weights)
