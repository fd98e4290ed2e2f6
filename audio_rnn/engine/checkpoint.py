"""The whole state of a training as tensors plus JSON: saved at once, restored to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from audio_rnn import storage
from audio_rnn.errors import ModelError, TrainingError

NAME = "checkpoint"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`.

    Raises: TrainingError when it cannot be written; the former checkpoint stays.
    """
    tensors: dict[str, Tensor] = {}
    with writing(folder):
        storage.save(folder, NAME, {"state": _pack(state, "state", tensors)}, tensors)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Within: a folder is replaced at once. Raises: TrainingError when the disk refuses."""
    try:
        yield
    except OSError as error:
        before = "the one before is whole, so " if any(folder.glob("*.json")) else ""
        raise TrainingError(
            f"{folder}: not written: {error}; "
            f"{before}make room or fix the folder and run the same command again"
        ) from error


def present(folder: Path) -> bool:
    """Whether there is a state to load."""
    return (folder / f"{NAME}.json").is_file()


def load_state(folder: Path) -> dict[str, Any] | None:
    """The state that `save_state` wrote, or None where there is none. Raises TrainingError."""
    if not present(folder):
        return None
    try:
        description, tensors = storage.load(folder, NAME, remedy=f"delete {folder} to start anew")
    except ModelError as error:
        raise TrainingError(f"checkpoint: {error}") from error
    return _unpack(description["state"], tensors)


def _pack(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """JSON values with tensors moved to `tensors`; a mapping becomes a list of its items."""
    if isinstance(value, Tensor):
        tensors[place] = value
        return {"tensor": place}
    if isinstance(value, dict):
        return {"items": [[k, _pack(v, f"{place}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_pack(v, f"{place}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {k: _unpack(v, tensors) for k, v in value["items"]}
    return value
