"""What the user names on the command line -> the files that are meant."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePath
from typing import BinaryIO

from audio_rnn.audio import EXTENSIONS, OTHER_EXTENSIONS
from audio_rnn.errors import InputError, reason
from audio_rnn.files import files_below
from audio_rnn.inference.failure import Failure

STANDARD_INPUT = "-"
STANDARD_INPUT_PLACE = PurePath("stdin")


@dataclass(frozen=True)
class Input:
    """One recording, and where its outputs belong in the folder for them.

    The place has no suffix and depends on what the user named alone: the path below a folder that
    was named, without its suffix; the stem of a file that was named or matched a pattern.
    """

    source: Path | BinaryIO
    place: PurePath


@dataclass(frozen=True)
class Inputs:
    """Each recording once, in the order named, and what is known to be none."""

    recordings: list[Input]
    failures: list[Failure]


def collect(names: Sequence[str], list_file: Path | None) -> Inputs:
    """Files, folders (all audio below them), patterns and `-`.

    A file that is missing stays an input, so that reading it tells why.

    Raises: InputError when there is nothing, a name is empty, or the list cannot be read.
    """
    if "" in names:
        raise InputError("inputs: found an empty name, expected a file, folder, pattern or -")
    named = [*names, *(_lines(list_file) if list_file else [])]
    if not named:
        raise InputError(
            "inputs: found none; name files, folders, patterns, - or --list FILE, before options that "
            "take several values"
        )
    found: dict[str, Input | Failure] = {}
    for name in named:
        for item in _expand(name):
            found.setdefault(_identity(item), item)
    return Inputs(
        [item for item in found.values() if isinstance(item, Input)],
        [item for item in found.values() if isinstance(item, Failure)],
    )


def _identity(item: Input | Failure) -> str:
    if isinstance(item, Failure):
        return item.path
    return os.path.realpath(item.source) if isinstance(item.source, Path) else STANDARD_INPUT


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as a list of files: {reason(error)}; expected a text file with "
            "one input a line"
        ) from error
    if any("\0" in line for line in lines):
        raise InputError(f"{path}: found zero bytes, expected text with one input a line")
    if not any(lines):
        raise InputError(f"{path}: found no line, expected one input a line")
    return [line for line in lines if line]


def _expand(name: str) -> Iterator[Input | Failure]:
    if name == STANDARD_INPUT:
        yield Input(_standard_input(), STANDARD_INPUT_PLACE)
    elif os.path.lexists(name) or not has_magic(name):
        yield from _meant(Path(name))
    else:
        yield from _matching(Path(name))


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def _matching(pattern: Path) -> Iterator[Input | Failure]:
    root = Path(pattern.anchor)
    try:
        matches = sorted(root.glob(str(pattern.relative_to(root))))
    except (ValueError, OSError) as error:  # such as a ** inside a name
        yield Failure(str(pattern), f"not a pattern: {error}")
        return
    if not matches:
        yield Failure(str(pattern), "found no file of this name or pattern; check it")
    for match in matches:
        yield from _meant(match)


def _meant(path: Path) -> Iterator[Input | Failure]:
    """A file, or all audio below a folder."""
    if os.path.isdir(path):  # noqa: PTH112, Path.is_dir raises where permissions close the way
        yield from _inside(path)
    else:
        yield Input(path, PurePath(path.stem))


def _inside(folder: Path) -> list[Input | Failure]:
    """All audio below a folder, and what keeps audio from being found."""
    failures: list[Failure] = []
    files = files_below(
        folder, (*EXTENSIONS, *OTHER_EXTENSIONS), lambda error: failures.append(_closed(error))
    )
    audio = [path for path in files if path.suffix.lower() in EXTENSIONS]
    converted = {path.with_suffix("") for path in audio}
    failures += [
        _foreign(path)
        for path in files
        if path.suffix.lower() not in EXTENSIONS and path.with_suffix("") not in converted
    ]
    if not audio and not failures:
        expected = f"expected a file that ends in {', '.join(EXTENSIONS)}"
        failures = [Failure(str(folder), f"found no audio in this folder, {expected}")]
    return [*(Input(path, path.relative_to(folder).with_suffix("")) for path in audio), *failures]


def _closed(error: OSError) -> Failure:
    remedy = "a link to nothing" if isinstance(error, FileNotFoundError) else "check permissions"
    return Failure(str(error.filename), f"cannot be read: {error.strerror}; {remedy}")


def _foreign(path: Path) -> Failure:
    convert = f"convert it, such as with ffmpeg -i {path.name} {path.stem}.flac"
    return Failure(str(path), f"found {path.suffix}, expected {', '.join(EXTENSIONS)}; {convert}")
