"""The same command over a whole manifest, by as many processes as one starts."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from audio_rnn.cli.files import FileOptions
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.data.parts import Part
    from audio_rnn.inference.batched import Outcome
    from audio_rnn.inference.bulk import BulkFolder, Work

    T = TypeVar("T", bound=Outcome)

SHARE = re.compile(r"([1-9]\d*)/([1-9]\d*)")


@dataclass(frozen=True)
class BulkOptions:
    """Recordings of a whole manifest, in place of inputs."""

    manifest: Path | None = None
    """Manifest, or NAME.shards.jsonl of tar shards.
    The results are JSON lines in --output, in parts.
    The same command, started again or several times at once, does what is not done yet."""
    share: str | None = None
    """K/N, such as 3/8: do this share alone, for processes that see no common --output."""
    source: str | None = None
    """Where shards lie, if not beside their index: a folder, or pipe:COMMAND with {} for a shard."""


def check_bulk(
    options: BulkOptions, files: FileOptions, formats: tuple[str, ...], plot: Path | None = None
) -> None:
    """Raises: InputError for options that do not go together."""
    if options.manifest is None:
        if options.share or options.source:
            raise InputError("--share, --source: found one of them, expected --manifest with it")
        return
    if files.inputs or files.list or files.overwrite or formats != ("txt",):
        raise InputError(
            "--manifest: found with inputs, --list, --format or --overwrite, expected it alone; its "
            "results are JSON lines, and those that exist are kept"
        )
    if plot is not None:
        raise InputError("--plot: found with --manifest, expected one file; name it alone")
    if files.output is None:
        raise InputError("--manifest: found no --output, expected a folder for the results")


def run_bulk(
    options: BulkOptions,
    output: Path,
    model: Path,
    settings: dict[str, Any],
    work: Work[T],
    done: str,
) -> int:
    """Do what is not done yet; returns the exit status. `settings` are those that results hang on,
    `done` says what was done to a recording. Raises InputError.
    """
    from audio_rnn.data.parts import RULE, parts_of
    from audio_rnn.inference.bulk import BulkFolder
    from audio_rnn.models.folder import fingerprint

    assert options.manifest is not None, "checked"
    parts = list(_shared(parts_of(options.manifest, options.source), options.share))
    facts = {
        "done": done,
        "manifest": _digest(options.manifest),
        "model": fingerprint(model),
        "parts": RULE,
        "settings": settings,
    }
    folder = BulkFolder(output, facts)
    try:
        broken = _fill(folder, parts, work, options.share is not None, done)
    except KeyboardInterrupt:
        count = sum(map(folder.done, parts))
        raise KeyboardInterrupt(
            f"interrupted: {count} of {len(parts)} parts are done and kept in {output}; run the same "
            "command to go on"
        ) from None
    return _report(folder, parts, broken)


def with_models(others: Sequence[Path]) -> dict[str, Any]:
    """What results hang on where more models than one tell them."""
    from audio_rnn.models.folder import fingerprint

    return {"also": [fingerprint(model) for model in others]} if others else {}


def _fill(
    folder: BulkFolder, parts: Sequence[Part], work: Work[T], alone: bool, done: str
) -> dict[str, str]:
    """Do the parts; why those that cannot be done cannot."""
    began, count, seconds = time.monotonic(), 0, 0.0
    broken: dict[str, str] = {}
    todo = (part for part in parts if not folder.done(part)) if alone else folder.claimed(parts)
    for part in todo:
        try:
            some, sound = folder.fill(part, work)
        except InputError as error:
            broken[part.name] = str(error)
            continue
        count, seconds = count + some, seconds + sound
        told = f"{sum(map(folder.done, parts))} of {len(parts)} parts"
        print(f"{told}; part {part.name}: {some} {done}", file=sys.stderr, flush=True)
    elapsed = time.monotonic() - began
    print(f"{count} {done} here ({seconds:.1f} s of audio in {elapsed:.1f} s)", file=sys.stderr)
    return broken


def _report(folder: BulkFolder, parts: Sequence[Part], broken: dict[str, str]) -> int:
    """Name all failures, whoever met them; the exit status."""
    failures = [failure for part in parts for failure in folder.failures(part)]
    for failure in failures:
        print(f"failed: {failure['id']}: {failure['reason']}", file=sys.stderr)
    for name, reason in broken.items():
        print(f"failed: part {name}, to be tried again: {reason}", file=sys.stderr)
    finished = sum(map(folder.done, parts))
    print(
        f"{finished} of {len(parts)} parts are done in {folder.folder}, {len(failures)} recordings "
        "failed",
        file=sys.stderr,
    )
    return 1 if failures or broken or finished < len(parts) else 0


def _shared(parts: Sequence[Part], share: str | None) -> Iterator[Part]:
    found = SHARE.fullmatch(share or "1/1")
    if found is None or int(found[1]) > int(found[2]):
        raise InputError(f"--share: found {share!r}, expected K/N with K from 1 to N, such as 3/8")
    yield from parts[int(found[1]) - 1 :: int(found[2])]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
