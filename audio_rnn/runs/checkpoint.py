"""The whole state of a training as tensors plus JSON: saved at once, restored to the bit.

Two are kept, since a disk that loses a byte must not cost a week: the last and, beside it, the one
before, from which a training goes on where the last is damaged.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.errors import ModelError, TrainingError
from audio_rnn.nested import pack, unpack
from audio_rnn.runs.folder import writing

NAME = "checkpoint"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint `folder`; what was there becomes the one before.

    Raises: TrainingError when it cannot be written; the one before is there, then.
    """
    values, tensors = pack(state, "state")
    with writing(folder):
        if _written(folder):
            _move(folder, before(folder))
        storage.save(folder, NAME, {"state": values}, tensors)


def before(folder: Path) -> Path:
    """Where the checkpoint before that in `folder` is."""
    return folder.with_name(f"{folder.name}-before")


def present(folder: Path) -> bool:
    """Whether there is a state to load, the last or the one before."""
    return _written(folder) or _written(before(folder))


def load_state(folder: Path, warn: Callable[[str], None]) -> dict[str, Any] | None:
    """The last state that `save_state` wrote, or None where there is none.

    Where it is damaged, `warn` is told, the folder is put aside as `-damaged`, and the state before
    it is loaded.

    Raises: TrainingError when that one is damaged too, or not there.
    """
    if not _written(folder):  # or the process was killed between moving the old and writing the new
        return _read(before(folder)) if _written(before(folder)) else None
    try:
        return _read(folder)
    except TrainingError as error:
        if not _written(before(folder)):
            raise
        state = _read(before(folder))
        aside = folder.with_name(f"{folder.name}-damaged")
        warn(f"{error}; it is {aside.name} now, and training goes on from the checkpoint before it")
        with writing(aside):
            _move(folder, aside)
        return state


def _written(folder: Path) -> bool:
    return (folder / f"{NAME}.json").is_file()


def _move(folder: Path, place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)
    folder.rename(place)


def _read(folder: Path) -> dict[str, Any]:
    try:
        description, tensors = storage.load(folder, NAME, remedy=f"delete {folder}* to start anew")
    except ModelError as error:
        raise TrainingError(f"checkpoint: {error}") from error
    return unpack(description["state"], tensors)
