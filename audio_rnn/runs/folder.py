"""The folder of one training: one run at a time, and what its disk refuses."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audio_rnn.errors import TrainingError


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises TrainingError when another one does."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"{folder}: another training runs in this folder; choose another run_dir"
            ) from None
        # Workers that read data outlive a killed training for seconds, and must not hold it then.
        os.register_at_fork(after_in_child=lock.close)
        yield


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within: a file is written, or a folder replaced at once. Raises: TrainingError when the disk
    refuses."""
    try:
        yield
    except OSError as error:
        before = "the one before is whole, so " if any(path.glob("*.json")) else ""
        raise TrainingError(
            f"{path}: not written: {error}; "
            f"{before}make room or fix the folder and run the same command again"
        ) from error
