"""Where transcripts go: standard output, or files in a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import cast

from audio_rnn import storage
from audio_rnn.audio import source_name
from audio_rnn.cli.inputs import Input, Inputs
from audio_rnn.errors import InputError
from audio_rnn.inference.transcript import Failure, Transcript
from audio_rnn.inference.writers import WRITERS, Format

NAMED_INSIDE = ("json", "ctm")  # formats that carry the name of the recording themselves


def formats_of(names: Sequence[str]) -> list[Format]:
    """Names of formats, each once. Raises InputError for none, or for one that is unknown."""
    expected = f"expected one or more of {', '.join(WRITERS)}"
    if not names:
        raise InputError(f"--format: found none, {expected}")
    for name in names:
        if name not in WRITERS:
            raise InputError(f"--format: found {name!r}, {expected}; inputs stand before --format")
    return [cast(Format, name) for name in dict.fromkeys(names)]


class Results:
    """Takes what came of each input, in order, and says in the end how it went."""

    def __init__(
        self,
        inputs: Inputs,
        formats: Sequence[Format],
        folder: Path | None = None,
        overwrite: bool = False,
    ) -> None:
        """Without `folder`, to standard output.

        Raises: InputError when there can be no folder, when outputs exist and `overwrite` is not
            given, or when two inputs have one output.
        """
        self.formats, self.folder = formats, folder
        self.total = len(inputs.recordings) + len(inputs.failures)
        self._places = iter([recording.place for recording in inputs.recordings])
        self.transcribed = self.failed = 0
        self.seconds = 0.0
        if folder:
            _prepare(folder, inputs.recordings, formats, overwrite)

    def add(self, outcome: Transcript | Failure) -> None:
        """Write what came of the next recording, or name its failure. Raises InputError."""
        place = next(self._places)
        if isinstance(outcome, Failure):
            self.fail(outcome)
            return
        if self.folder:
            to_files(outcome, self.formats, self.folder, place)
        else:
            print(to_screen(outcome, self.formats, self.total == 1), end="", flush=True)
        self.transcribed += 1
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
        return f"{self.transcribed} transcribed, {self.failed} failed"


def _prepare(
    folder: Path, recordings: Sequence[Input], formats: Sequence[Format], overwrite: bool
) -> None:
    """Make the folders for outputs that are clear of each other and of what exists."""
    paths = [
        output_path(folder, place, name)
        for place in _clear_places(folder, recordings)
        for name in formats
    ]
    existing = [] if overwrite else [path for path in paths if os.path.lexists(path)]
    if existing:
        raise InputError(
            f"--output: found {len(existing)} of {len(paths)} files written already, the first "
            f"{existing[0]}, expected none; choose another folder, or replace them by --overwrite"
        )
    for parent in dict.fromkeys([folder, *(path.parent for path in paths)]):
        _make(parent)


def _clear_places(folder: Path, recordings: Sequence[Input]) -> list[PurePath]:
    """The place of each recording. Raises InputError when two share one."""
    places: dict[PurePath, Input] = {}
    for recording in recordings:
        first = places.setdefault(recording.place, recording)
        if first is not recording:
            raise InputError(
                f"--output: found one output name, {folder / recording.place}, for "
                f"{source_name(first.source)} and {source_name(recording.source)}; transcribe them "
                "into different folders, or name a folder above both: its sub-folders are kept"
            )
    return list(places)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: no folder can be made here: {error.strerror}") from error


def to_screen(transcript: Transcript, formats: Sequence[Format], alone: bool) -> str:
    """What standard output gets for one transcript, `alone` or among others.

    Among others, a line of txt begins with the file's name; srt, vtt, tsv and TextGrid come
    after a line `==> name <==`. With several formats every one comes after such a line.
    """
    several = len(formats) > 1
    blocks = []
    for name in formats:
        block = WRITERS[name](transcript)
        if several:
            block = f"==> {transcript.path} ({name}) <==\n{block}"
        elif name == "txt" and not alone:
            block = f"{transcript.path}: {block}"
        elif name not in NAMED_INSIDE and not alone:
            block = f"==> {transcript.path} <==\n{block}"
        blocks.append(block)
    return "".join(blocks)


def to_files(
    transcript: Transcript, formats: Sequence[Format], folder: Path, place: PurePath
) -> None:
    """One file in `folder` for every format, each replaced at once. Raises InputError."""
    for name in formats:
        path = output_path(folder, place, name)
        try:
            storage.write_text(path, WRITERS[name](transcript))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def output_path(folder: Path, place: PurePath, name: Format) -> Path:
    """`folder/place.format`; a dot inside the place is no suffix."""
    return folder / f"{place}.{name}"
