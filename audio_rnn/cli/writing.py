"""Folders and files that results go into; what the disk refuses is a named error."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.errors import InputError, reason


def make_folder(folder: Path) -> None:
    """A folder, with those above it, unless it is there. Raises InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(
            f"{folder}: no folder can be made here: a file has this name; choose another one"
        ) from error
    except OSError as error:
        raise InputError(f"{folder}: no folder can be made here: {reason(error)}") from error


def require_folder(path: Path, option: str) -> None:
    """Raises InputError when the folder that a file is to lie in is not there."""
    if not path.parent.is_dir():
        raise InputError(f"{option}: found no folder {path.parent}, expected one; make it first")


def replace_file(path: Path, text: str) -> None:
    """A text file, whole at once. Raises InputError."""
    from audio_rnn import storage  # loads torch, for which no --help waits

    try:
        storage.write_text(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {reason(error)}") from error
