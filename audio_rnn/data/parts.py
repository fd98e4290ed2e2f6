"""A manifest, or an index of shards, in parts that are worked on apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from audio_rnn.audio import Source
from audio_rnn.data.manifest import parse_line
from audio_rnn.data.samples import describe, sound_of
from audio_rnn.data.shards import SUFFIX, Index, read_index
from audio_rnn.data.tar import read_shard
from audio_rnn.errors import InputError, ManifestError

LINES, SECONDS = 500, 3600.0  # of a manifest in a part, and of sound, whichever comes first
RULE = f"{LINES} lines or {SECONDS:.0f} s"  # by which a manifest is cut, always the same


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
    pieces = enumerate(_pieces(path))
    return [Part(f"{n:06d}", _of_lines(path, piece)) for n, piece in pieces]


@dataclass
class _Piece:
    """Lines of a manifest that make a part."""

    start: int  # in bytes
    first: int  # number of its first line
    lines: int = 0
    seconds: float = 0.0  # of sound, as far as the manifest tells


def _pieces(path: Path) -> list[_Piece]:
    """The lines cut where a part has enough of them, or of sound."""
    pieces, at = list[_Piece](), 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not pieces or pieces[-1].lines == LINES or pieces[-1].seconds >= SECONDS:
                    pieces.append(_Piece(at, number))
                pieces[-1].lines += 1
                pieces[-1].seconds += _seconds(line)
                at += len(line)
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    if not pieces:
        raise ManifestError(f"{path}: found no line, expected at least one recording")
    return pieces


def _seconds(line: bytes) -> float:
    """What a line tells of its length; none where it is broken, which is told when it is read."""
    try:
        return max(0.0, float(json.loads(line)["duration"]))
    except (ValueError, KeyError, TypeError):
        return 0.0


def _of_lines(path: Path, piece: _Piece) -> Callable[[], Iterator[Item]]:
    def items() -> Iterator[Item]:
        with path.open("rb") as file:
            file.seek(piece.start)
            for number, line in enumerate(islice(file, piece.lines), piece.first):
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
