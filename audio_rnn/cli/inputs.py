"""What the user names on the command line -> the files that are meant."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from audio_rnn.audio import EXTENSIONS, Source
from audio_rnn.errors import InputError
from audio_rnn.files import files_below

STANDARD_INPUT = "-"


def collect(names: Sequence[str], list_file: Path | None) -> list[Source]:
    """Files, folders (all audio below them), patterns and `-`, each file once, in this order.

    A name that matches nothing stays as it is, to be reported as a missing file.

    Raises: InputError when there is nothing, a name is empty, or a folder or list holds nothing.
    """
    if "" in names:
        raise InputError("inputs: found an empty name, expected a file, folder, pattern or -")
    named = [*names, *(_lines(list_file) if list_file else [])]
    if not named:
        raise InputError("inputs: found none; name files, folders, patterns, - or --list FILE")
    found: dict[object, Source] = {}
    for name in named:
        for source in _expand(name):
            found.setdefault(_identity(source) if isinstance(source, Path) else name, source)
    return list(found.values())


def _identity(path: Path) -> Path:
    try:
        return path.resolve()
    except (RuntimeError, OSError):  # a link to itself, which reading it will report
        return path


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of files: {error}") from error
    if any("\0" in line for line in lines):
        raise InputError(f"{path}: found zero bytes, expected text with one input a line")
    if not any(lines):
        raise InputError(f"{path}: found no line, expected one input a line")
    return [line for line in lines if line]


def _expand(name: str) -> Iterator[Source]:
    path = Path(name)
    if name == STANDARD_INPUT:
        yield _standard_input()
    elif path.is_dir():
        yield from _inside(path)
    elif path.exists() or not (matches := _matches(path)):
        yield path
    else:
        for match in matches:
            yield from _inside(match) if match.is_dir() else [match]


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def _matches(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor)
    try:
        return sorted(root.glob(str(pattern.relative_to(root))))
    except ValueError as error:  # such as a ** inside a name
        raise InputError(f"{pattern}: not a pattern: {error}") from error


def _inside(folder: Path) -> list[Path]:
    """All audio below a folder."""
    files = files_below(folder, EXTENSIONS)
    if not files:
        expected = f"expected a file that ends in {', '.join(EXTENSIONS)}"
        raise InputError(f"{folder}: found no audio in this folder, {expected}")
    return files
