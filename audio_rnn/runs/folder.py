"""The folder of one training: one run at a time, and what its disk refuses."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from audio_rnn.errors import TrainingError

HELD: set[Path] = set()  # by this process


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process, which may claim it again meanwhile.

    Raises: TrainingError when another process holds it.
    """
    place = folder.resolve()
    with nullcontext() if place in HELD else _locked(folder, place):
        yield


@contextmanager
def _locked(folder: Path, place: Path) -> Iterator[None]:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")

    def let_go() -> None:
        HELD.discard(place)
        lock.close()

    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"{folder}: another training runs in this folder; choose another run_dir"
            ) from None
        # Workers that read data outlive a killed training for seconds, and must not hold it then.
        os.register_at_fork(after_in_child=let_go)
        HELD.add(place)
        yield
    finally:
        let_go()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within: a file is written, or a folder replaced at once. Raises: TrainingError when the disk
    refuses."""
    try:
        yield
    except OSError as error:
        kept = any(path.parent.glob(f"{path.name}*/*.json"))  # also what was moved aside for it
        raise TrainingError(
            f"{path}: not written: {error}; {'the one before is whole, so ' if kept else ''}"
            "make room or fix the folder and run the same command again"
        ) from error
