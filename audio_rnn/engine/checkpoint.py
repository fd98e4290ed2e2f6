"""The whole state of a training as tensors plus JSON: saved at once, restored to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.errors import ModelError, TrainingError
from audio_rnn.nested import pack, unpack

NAME = "checkpoint"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`.

    Raises: TrainingError when it cannot be written; the former checkpoint stays.
    """
    values, tensors = pack(state, "state")
    with writing(folder):
        storage.save(folder, NAME, {"state": values}, tensors)


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
    return unpack(description["state"], tensors)
