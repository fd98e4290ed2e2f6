"""A manifest, or an index of shards, in parts that are worked on apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.audio import Source
from audio_rnn.data.manifest import parse_line
from audio_rnn.data.samples import describe, sound_of
from audio_rnn.data.shards import SUFFIX, Index, read_index
from audio_rnn.data.tar import read_shard
from audio_rnn.errors import InputError, ManifestError

LINES = 500  # of a manifest in a part: an hour or so of speech


@dataclass(frozen=True)
class Item:
    """A recording of a manifest, or why it cannot be found."""

    id: str
    source: Source | None
    problem: str = ""


@dataclass(frozen=True)
class Part:
    """Some of the items, which are always the same."""

    name: str
    items: Callable[[], Iterator[Item]]  # raises InputError when a shard breaks off


def parts_of(path: Path, source: str | None = None) -> list[Part]:
    """Parts of a manifest's lines; of an index each shard, which may come from elsewhere.

    Raises: InputError.
    """
    if path.name.endswith(SUFFIX):
        index = read_index(path, source)
        return [Part(f"{n:06d}", _of_shard(index, n)) for n in range(len(index.names))]
    if source is not None:
        raise InputError(
            f"--source: found {source!r}, expected it with an index, NAME{SUFFIX}, alone"
        )
    starts = enumerate(_line_starts(path))
    return [Part(f"{n:06d}", _of_lines(path, n * LINES, at)) for n, at in starts]


def _line_starts(path: Path) -> list[int]:
    """Where every part of the lines begins, in bytes."""
    starts, at = [], 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if number % LINES == 0:
                    starts.append(at)
                at += len(line)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    if not starts:
        raise ManifestError(f"{path}: found no line, expected at least one recording")
    return starts


def _of_lines(path: Path, first: int, start: int) -> Callable[[], Iterator[Item]]:
    def items() -> Iterator[Item]:
        with path.open("rb") as file:
            file.seek(start)
            for number, line in zip(range(first + 1, first + LINES + 1), file):
                if line.strip():
                    yield _item(line, path, number)

    return items


def _item(line: bytes, path: Path, number: int) -> Item:
    where = f"{path}:{number}"
    try:
        utterance = parse_line(line.decode(errors="replace"), where)
    except ManifestError as error:
        return Item(where, None, str(error).removeprefix(f"{where}: "))
    return Item(utterance.id, path.parent / utterance.source)


def _of_shard(index: Index, number: int) -> Callable[[], Iterator[Item]]:
    def items() -> Iterator[Item]:
        for sample in read_shard(index, number):
            try:
                yield Item(describe(sample, 1.0).id, sound_of(sample))
            except InputError as error:
                yield Item(sample.name, None, str(error).removeprefix(f"{sample.name}: "))

    return items
