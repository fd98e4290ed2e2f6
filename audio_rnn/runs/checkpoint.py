"""The whole state of a training as tensors plus JSON: saved at once, restored to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.errors import ModelError, TrainingError
from audio_rnn.nested import pack, unpack
from audio_rnn.runs.folder import writing

NAME = "checkpoint"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`.

    Raises: TrainingError when it cannot be written; the former checkpoint stays.
    """
    values, tensors = pack(state, "state")
    with writing(folder):
        storage.save(folder, NAME, {"state": values}, tensors)


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
    return unpack(description["state"], tensors)
