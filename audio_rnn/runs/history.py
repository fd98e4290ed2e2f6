"""What a training has written line by line: `history.jsonl`, an entry each, and any log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from audio_rnn import storage
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


def cut_history(folder: Path, step: int) -> None:
    """Drop entries after `step`, which a resumed run will write again. Raises TrainingError."""
    kept = [entry for entry in read_history(folder) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    path = folder / NAME
    if path.exists() and path.read_text(encoding="utf-8") != text:
        with writing(path):
            storage.write_text(path, text)


def read_history(folder: Path) -> list[dict[str, Any]]:
    """All entries, but for a last line that a crash or a full disk cut off.

    Raises: TrainingError for a line that training has not written.
    """
    path = folder / NAME
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
