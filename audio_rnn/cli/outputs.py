"""Where transcripts go: standard output, or files in a folder."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from audio_rnn import storage
from audio_rnn.audio import Source
from audio_rnn.errors import InputError
from audio_rnn.inference.transcript import Failure, Transcript
from audio_rnn.inference.writers import WRITERS, Format

STANDARD_INPUT_STEM = "stdin"
NAMED_INSIDE = ("json", "ctm")  # formats that carry the name of the recording themselves


class Results:
    """Takes what came of each source, in order, and says in the end how it went."""

    def __init__(
        self, sources: Sequence[Source], formats: Sequence[Format], folder: Path | None
    ) -> None:
        """Without `folder`, to standard output. Raises InputError when there can be no folder."""
        if not formats:
            raise InputError(f"format: found none, expected one or more of {', '.join(WRITERS)}")
        self.formats, self.folder = formats, folder
        self.alone = len(sources) == 1
        self._stems = iter(stems([_place(source) for source in sources]))
        self.transcribed = self.failed = 0
        self.seconds = 0.0
        if folder:
            _make(folder)

    def add(self, outcome: Transcript | Failure) -> None:
        """Write a transcript, or name a failure on standard error. Raises InputError."""
        stem = next(self._stems)
        if isinstance(outcome, Failure):
            self.failed += 1
            print(f"failed: {outcome.path}: {outcome.reason}", file=sys.stderr, flush=True)
            return
        self.transcribed += 1
        self.seconds += outcome.duration
        if self.folder:
            to_files(outcome, self.formats, self.folder, stem)
        else:
            print(to_screen(outcome, self.formats, self.alone), end="", flush=True)

    def summary(self, elapsed: float) -> str:
        """One line on the whole run, which took `elapsed` seconds."""
        counts = f"{self.transcribed} transcribed, {self.failed} failed"
        return f"{counts} ({self.seconds:.1f} s of audio in {elapsed:.1f} s)"


def _place(source: Source) -> str:
    return str(source) if isinstance(source, Path) else STANDARD_INPUT_STEM


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


def to_files(transcript: Transcript, formats: Sequence[Format], folder: Path, stem: str) -> None:
    """`folder/stem.format` for every format, each replaced at once. Raises InputError."""
    for name in formats:
        path = folder / f"{stem}.{name}"
        try:
            storage.write_text(path, WRITERS[name](transcript))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def stems(names: Sequence[str]) -> list[str]:
    """One output name for each recording: its stem; where several share it, its full name; where
    they share that too, with the folders above it as far as needed."""
    depths = [0] * len(names)
    while True:
        found = [_stem(name, depth) for name, depth in zip(names, depths)]
        counts = Counter(found)
        deeper = [
            depth + (counts[stem] > 1 and depth < len(PurePath(name).parts))
            for name, stem, depth in zip(names, found, depths)
        ]
        if deeper == depths:
            return _numbered(found)
        depths = deeper


def _stem(name: str, depth: int) -> str:
    path = PurePath(name)
    return "_".join(part.strip("/") for part in path.parts[-depth:]) if depth else path.stem


def _numbered(found: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    result = []
    for stem in found:
        seen[stem] += 1
        result.append(stem if seen[stem] == 1 else f"{stem}-{seen[stem]}")
    return result
