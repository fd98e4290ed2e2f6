"""Model folders: a description that rebuilds the model, and its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from audio_rnn import storage
from audio_rnn.errors import ModelError

NAME = "model"
USES = {  # what a model of each kind is for
    "speech": "audio-rnn transcribe and align",
    "sound": "audio-rnn tag and detect",
    "sequence": "audio-rnn generate and score, or --neural-lm and --rescorer",
    "rolls": "audio-rnn generate --harmonize",
}


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
    description, weights = _load(folder)
    found = description.get("kind")
    if found != kind:
        use = f"; it is for {USES[found]}" if found in USES else ""
        raise ModelError(f"{folder}: found a model of kind {found!r}, expected {kind!r}{use}")
    return ModelFolder(description, weights)


def kind_of(folder: Path) -> str:
    """What kind of model a folder holds. Raises: ModelError when there is none, or it is broken."""
    return str(_load(folder)[0].get("kind"))


def _load(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and weights. Raises: ModelError."""
    if not folder.is_dir():
        found = "found a file" if folder.exists() else "no such folder"
        raise ModelError(f"{folder}: {found}; expected the run folder of a training")
    place = model_folder(folder)
    runs = sorted(path.parents[1] for path in folder.glob(f"*/{NAME}/{NAME}.json"))
    if runs and not (place / f"{NAME}.json").exists():
        raise ModelError(
            f"{folder}: found a folder of runs, expected one run; name one of those in it, such as "
            f"{runs[0]}"
        )
    return storage.load(place, NAME)


def model_folder(folder: Path) -> Path:
    """The model folder inside a run folder, or the folder itself."""
    inside = folder / NAME
    return inside if inside.is_dir() else folder


def fingerprint(folder: Path) -> str:
    """SHA-256 of the description, which names that of the weights, of a model that was read, and of
    what tuning has found for it."""
    digest = hashlib.sha256()
    for path in sorted(model_folder(folder).glob("*.json")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def load_weights(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    where: Path,
    remedy: str = "copy the whole folder again",
) -> None:
    """Give a model its weights. Raises: ModelError naming the first tensor that does not fit."""
    expected = model.state_dict()
    for name in [*expected, *(weights.keys() - expected.keys())]:
        found, wanted = (_shape(tensors.get(name)) for tensors in (weights, expected))
        if found != wanted:
            raise ModelError(
                f"{where}: weights: found {found} as {name!r}, expected {wanted}; {remedy}"
            )
    model.load_state_dict(weights)


def _shape(tensor: Tensor | None) -> str:
    return "no tensor" if tensor is None else f"shape {tuple(tensor.shape)}"
