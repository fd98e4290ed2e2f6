"""The files below a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Files below a folder that end in one of `suffixes` (in lower case), sorted, no hidden ones.

    Links to folders are followed.
    """
    return sorted(
        path
        for path in _walk(folder)
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder. A real folder is entered once, so that no link makes a loop."""
    seen: set[Path] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = Path(place).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(place, name) for name in names)
