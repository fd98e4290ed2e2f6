"""The files below a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from audio_rnn.errors import InputError

OnError = Callable[[OSError], object]


def _refuse(error: OSError) -> None:
    """What is gone, or a link to nothing, holds nothing; what is closed might."""
    if isinstance(error, PermissionError):
        raise InputError(
            f"{error.filename}: cannot be read: {error.strerror}; check its permissions"
        ) from error


def files_below(folder: Path, suffixes: Collection[str], on_error: OnError = _refuse) -> list[Path]:
    """Files below a folder that end in one of `suffixes` (in lower case), sorted, no hidden ones.

    Links to folders are followed. `on_error` hears of each folder that cannot be listed, and of
    each such file that cannot be reached.

    Raises: InputError for one that permissions close, unless `on_error` is given.
    """
    return sorted(
        path
        for path in _walk(folder, on_error)
        if path.suffix.lower() in suffixes
        and not path.name.startswith(".")
        and _is_file(path, on_error)
    )


def _walk(folder: Path, on_error: OnError) -> Iterator[Path]:
    """Every file below a folder. A real folder is entered once, so that no link makes a loop."""
    seen: set[Path] = set()
    for place, folders, names in os.walk(folder, onerror=on_error, followlinks=True):
        real = Path(place).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in names)


def _is_file(path: Path, on_error: OnError) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        on_error(error)
        return False
