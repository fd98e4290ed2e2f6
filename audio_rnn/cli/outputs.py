"""Where results go: standard output, or files in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Generic, Protocol, TypeVar

from audio_rnn.audio import source_name
from audio_rnn.cli.inputs import Input, Inputs
from audio_rnn.cli.writing import make_folder, replace_file
from audio_rnn.errors import InputError
from audio_rnn.inference.failure import Failure


class Outcome(Protocol):
    """What came of a recording."""

    @property
    def path(self) -> str:
        """The recording."""

    @property
    def duration(self) -> float:
        """Its seconds."""


T = TypeVar("T", bound=Outcome)


@dataclass(frozen=True)
class Format(Generic[T]):
    """How an outcome is written."""

    write: Callable[[T], str]  # the content of a file
    suffix: str  # of a file's name, without its dot
    named: bool = False  # the recording is named inside
    headed: bool = False  # a table: several on standard output share their first line


Formats = Mapping[str, Format[T]]  # by what --format calls them


def formats_of(names: Sequence[str], known: Formats[T]) -> Formats[T]:
    """The formats that are asked for. Raises InputError for none, or for one that is unknown."""
    expected = f"expected one or more of {', '.join(known)}"
    if not names:
        raise InputError(f"--format: found none, {expected}")
    for name in names:
        if name not in known:
            raise InputError(f"--format: found {name!r}, {expected}; inputs stand before --format")
    return {name: known[name] for name in names}


class Results(Generic[T]):
    """Takes what came of each input, in order, and says in the end how it went."""

    def __init__(
        self,
        inputs: Inputs,
        formats: Formats[T],
        done: str,
        folder: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        """`done` says what was done to a recording, such as "transcribed". Without `folder`, to
        standard output.

        Raises: InputError when there can be no folder, when outputs exist and `overwrite` is not
            given, or when two inputs have one output.
        """
        self.formats, self.done, self.folder = formats, done, folder
        self.total = len(inputs.recordings) + len(inputs.failures)
        self._places = iter([recording.place for recording in inputs.recordings])
        self.succeeded = self.failed = 0
        self.seconds = 0.0
        self.last: T | None = None  # what was added last
        if folder:
            _prepare(folder, inputs.recordings, formats, overwrite)

    def add(self, outcome: T | Failure) -> None:
        """Write what came of the next recording, or name its failure. Raises InputError."""
        place = next(self._places)
        if isinstance(outcome, Failure):
            self.fail(outcome)
            return
        if self.folder:
            to_files(outcome, self.formats, self.folder, place)
        else:
            text = to_screen(outcome, self.formats, self.total == 1, self.succeeded == 0)
            print(text, end="", flush=True)
        self.succeeded, self.last = self.succeeded + 1, outcome
        self.seconds += outcome.duration

    def fail(self, failure: Failure) -> None:
        """Name a failure on standard error."""
        self.failed += 1
        print(f"failed: {failure.path}: {failure.reason}", file=sys.stderr, flush=True)

    def summary(self, elapsed: float) -> str:
        """One line on the whole run, which took `elapsed` seconds."""
        return f"{self._counts()} ({self.seconds:.1f} s of audio in {elapsed:.1f} s)"

    def interrupted(self) -> str:
        """One line on a run that ends too early."""
        kept = f"; finished outputs are kept in {self.folder}" if self.folder else ""
        return f"interrupted: {self._counts()} of {self.total}{kept}"

    def _counts(self) -> str:
        return f"{self.succeeded} {self.done}, {self.failed} failed"


def _prepare(
    folder: Path, recordings: Sequence[Input], formats: Formats[T], overwrite: bool
) -> None:
    """Make the folders for outputs that are clear of each other and of what exists."""
    paths = [
        output_path(folder, place, form)
        for place in _clear_places(folder, recordings)
        for form in formats.values()
    ]
    existing = [] if overwrite else [path for path in paths if os.path.lexists(path)]
    if existing:
        raise InputError(
            f"--output: found {len(existing)} of {len(paths)} files written already, the first "
            f"{existing[0]}, expected none; choose another folder, or replace them by --overwrite"
        )
    for parent in dict.fromkeys([folder, *(path.parent for path in paths)]):
        make_folder(parent)


def _clear_places(folder: Path, recordings: Sequence[Input]) -> list[PurePath]:
    """The place of each recording. Raises InputError when two share one."""
    places: dict[PurePath, Input] = {}
    for recording in recordings:
        first = places.setdefault(recording.place, recording)
        if first is not recording:
            raise InputError(
                f"--output: found one output name, {folder / recording.place}, for "
                f"{source_name(first.source)} and {source_name(recording.source)}; write them "
                "into different folders, or name a folder above both: its sub-folders are kept"
            )
    return list(places)


def to_screen(outcome: T, formats: Formats[T], alone: bool, first: bool) -> str:
    """What standard output gets for one outcome, `alone` or among others, the `first` or not.

    Among others, a line of txt begins with the file's name, tables that name it go on, and what
    does not name it comes after a line `==> name <==`. With several formats every one comes after
    such a line.
    """
    if len(formats) > 1:
        blocks = (
            f"==> {outcome.path} ({name}) <==\n{formats[name].write(outcome)}" for name in formats
        )
        return "".join(blocks)
    [(name, form)] = formats.items()
    text = form.write(outcome)
    if form.headed and not first:
        text = text.partition("\n")[2]
    if alone or form.named:
        return text
    if name == "txt":
        return "".join(f"{outcome.path}: {line}\n" for line in text.splitlines())
    return f"==> {outcome.path} <==\n{text}"


def to_files(outcome: T, formats: Formats[T], folder: Path, place: PurePath) -> None:
    """One file in `folder` for every format, each replaced at once. Raises InputError."""
    for form in formats.values():
        replace_file(output_path(folder, place, form), form.write(outcome))


def output_path(folder: Path, place: PurePath, form: Format[T]) -> Path:
    """`folder/place.suffix`; a dot inside the place is no suffix."""
    return folder / f"{place}.{form.suffix}"
