"""What a training has written line by line: `history.jsonl`, an entry each, and any log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audio_rnn.errors import TrainingError
from audio_rnn.runs.folder import writing

NAME = "history.jsonl"


def append_history(folder: Path, entry: dict[str, Any]) -> None:
    """One more entry. Raises TrainingError."""
    append_line(folder / NAME, json.dumps(entry))


def append_line(path: Path, line: str) -> None:
    """One more line of a text file. Raises TrainingError."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def flush_history(folder: Path) -> None:
    """Put the history on the disk: after a power cut it must not be behind the checkpoint.

    Raises: TrainingError.
    """
    path = folder / NAME
    with writing(path), path.open("a") as file:
        os.fsync(file.fileno())


def cut_history(folder: Path, epoch: int, step: int) -> None:
    """Drop what a training that goes on in `epoch`, after `step`, will write again.

    Raises: TrainingError for a line before that which training has not written.
    """
    path, kept = folder / NAME, 0
    for line, entry in _lines(path):
        if entry["step"] > step or (entry["epoch"] >= epoch and "train_loss" in entry):
            break  # and so are all after it
        kept += len(line)
    if path.exists() and path.stat().st_size > kept:
        with writing(path):
            os.truncate(path, kept)


def read_history(folder: Path) -> Iterator[dict[str, Any]]:
    """Entries one after the other, but for a last line that a crash or a full disk cut off.

    Raises: TrainingError for a line that training has not written.
    """
    return (entry for _, entry in _lines(folder / NAME))


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each whole line of a history, if there is one, and what it says. Raises: TrainingError."""
    if path.exists():
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield line, _entry(line, f"{path}:{number}")


def _entry(line: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not (isinstance(entry, dict) and all(type(entry.get(k)) is int for k in ("epoch", "step"))):
        found = line[:40].decode(errors="replace").rstrip()
        raise TrainingError(
            f"{where}: found {found!r}, expected an entry with epoch and step, as training "
            "writes it; delete the line"
        )
    return entry
