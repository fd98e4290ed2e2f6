"""Samples of a tar archive, one after the other: files side by side that share a key.

The layout of webdataset: `a/000012.flac` and `a/000012.json` are the parts `flac` and `json` of the
sample `a/000012`. Archives are read as a stream and nothing is unpacked, so a path in one leads
nowhere.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audio_rnn.data.commands import output_of
from audio_rnn.data.shards import Index, is_pipe
from audio_rnn.errors import ShardError, reason

LARGEST = 1 << 30  # bytes of a file in a shard; more is damage, or meant to fill the memory
REMEDY = "copy the shard again, or leave it out of the index"


@dataclass(frozen=True)
class Sample:
    """Files of one key, as they lie in a shard."""

    shard: str
    key: str
    parts: dict[str, bytes]  # by suffix, in lower case, without its dot

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.shard}: {self.key}"


def read_shard(index: Index, number: int) -> Iterator[Sample]:
    """The samples of a shard of an index.

    Raises: ShardError, at the end for more or fewer samples than the index tells.
    """
    name, expected, found = index.names[number], len(index.durations[number]), 0
    for sample in read_samples(index.source, name):
        found += 1
        if found <= expected:
            yield sample
    if found != expected:
        raise ShardError(
            f"{name}: found {found} samples, expected {expected} by {index.path.name}; copy the "
            "shard again, or make the index again with python -m recipes.index_shards"
        )


def read_samples(source: str, shard: str) -> Iterator[Sample]:
    """The samples of a shard, as they come. Raises: ShardError."""
    key, parts = "", dict[str, bytes]()
    with _opened(source, shard) as stream:
        for path, data in _members(stream, shard):
            this, suffix = split_key(path)
            if this != key and parts:
                yield Sample(shard, key, parts)
                parts = {}
            key = this
            if suffix in parts:
                raise ShardError(f"{shard}: {path!r} stands twice; make the shard again")
            parts[suffix] = data
        if parts:
            yield Sample(shard, key, parts)


def split_key(path: str) -> tuple[str, str]:
    """Path of a file in an archive -> key and suffix, which begins at the first dot of its name."""
    folder, slash, name = path.rpartition("/")
    stem, _, suffix = name.partition(".")
    return folder + slash + stem, suffix.lower()


def _members(stream: IO[bytes], shard: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file. Raises: ShardError."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                _check(member, shard)
                file = archive.extractfile(member)
                assert file is not None, "a regular file"
                yield member.name, file.read()
                archive.members = []  # type: ignore[attr-defined]  # else it keeps them all
    except (tarfile.TarError, EOFError) as error:
        raise ShardError(f"{shard}: truncated or no tar archive: {error}; {REMEDY}") from error


def _check(member: tarfile.TarInfo, shard: str) -> None:
    if not member.isreg():
        raise ShardError(
            f"{shard}: {member.name!r}: found a link or device, expected files; make the shard "
            "again of files alone"
        )
    if member.size > LARGEST:
        raise ShardError(
            f"{shard}: {member.name!r}: found {member.size} bytes, expected at most {LARGEST}; "
            "cut long recordings into parts"
        )


@contextmanager
def _opened(source: str, shard: str) -> Iterator[IO[bytes]]:
    """The bytes of a shard: of a file, or what a command writes. Raises: ShardError."""
    if is_pipe(source):
        with output_of(source.removeprefix("pipe:"), shard) as stream:
            yield stream
        return
    try:
        with Path(source, shard).open("rb") as stream:
            yield stream
    except OSError as error:
        raise ShardError(f"{shard}: cannot be read: {reason(error)}; {REMEDY}") from error
