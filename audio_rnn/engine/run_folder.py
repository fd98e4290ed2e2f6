"""The folder of one training: its history and its log; one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.engine import checkpoint
from audio_rnn.errors import TrainingError


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises TrainingError when another one does."""
    with checkpoint.writing(folder):
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


def append_history(folder: Path, entry: dict[str, Any]) -> None:
    """One more line of history.jsonl."""
    append_line(folder / "history.jsonl", json.dumps(entry))


def append_line(path: Path, line: str) -> None:
    """One more line of a text file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def flush_history(folder: Path) -> None:
    """Put the history on the disk: after a power cut it must not be behind the checkpoint."""
    with (folder / "history.jsonl").open("a") as file:
        os.fsync(file.fileno())


def read_history(folder: Path) -> list[dict[str, Any]]:
    """All entries of history.jsonl, but for a last line that a crash or a full disk cut off.

    Raises: TrainingError for a line that training has not written.
    """
    path = folder / "history.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    whole = lines if lines and lines[-1].endswith("}") else lines[:-1]
    return [_entry(line, f"{path}:{n}") for n, line in enumerate(whole, 1)]


def _entry(line: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not (isinstance(entry, dict) and all(type(entry.get(k)) is int for k in ("epoch", "step"))):
        raise TrainingError(
            f"{where}: found {line[:40]!r}, expected an entry with epoch and step, as training "
            "writes it; delete the line"
        )
    return entry


def cut_history(folder: Path, step: int) -> None:
    """Drop entries after `step`, which a resumed run will write again."""
    kept = [entry for entry in read_history(folder) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    path = folder / "history.jsonl"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        storage.write_text(path, text)
