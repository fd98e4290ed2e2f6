"""Corpora in shards: tar archives that are read in sequence, and the index that tells their lengths.

`train.shards.jsonl` has a line a shard, and several indices joined are one:

    {"shard": "train/000000.tar", "bytes": 61440000, "durations": [2.31, 4.07]}

`durations` are the seconds of its samples, in order. All that is planned is planned from these, so
nothing of a shard is read before its turn. The index comes with the data and therefore holds names
alone: what fetches a shard from elsewhere is said in a config (`ShardConfig.source`), never here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_rnn.config import from_dict, require
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import ConfigError, ShardError, reason
from audio_rnn.storage import write_text

SUFFIX = ".shards.jsonl"
NAME = re.compile(r"\w[\w.+=-]*(/\w[\w.+=-]*)*", re.ASCII)  # no .., no option, nothing for a shell


@dataclass(frozen=True)
class ShardConfig:
    """How a corpus in shards is read. Without effect on one of files."""

    source: str | None = None  # a folder, or pipe:COMMAND with {} for a shard; None: by the index
    lanes: int = 1  # shards read side by side, over all processes; the data's order hangs on it
    buffer: float = 7200.0  # seconds of audio that a lane holds, shuffles and sorts by length

    def __post_init__(self) -> None:
        require(self.lanes >= 1, "shards.lanes", self.lanes, "1 or more")
        require(self.buffer > 0, "shards.buffer", self.buffer, "seconds above 0")


@dataclass(frozen=True)
class Shard:
    """A line of an index."""

    shard: str  # name of the archive, relative to the index or to where shards are fetched from
    bytes: int
    durations: tuple[float, ...]  # seconds of its samples
    labels: tuple[tuple[str, int], ...] = ()  # of sounds: how many samples each class is heard in
    timed: int = 0  # of sounds: how many samples say when something is heard

    def __post_init__(self) -> None:
        require(
            bool(NAME.fullmatch(self.shard)), "shard", self.shard,
            "letters, digits and _ . + = - with single / between, each part beginning with a letter "
            "or digit",
        )  # fmt: skip
        fine = bool(self.durations) and min(self.durations) > 0
        require(
            fine, "durations", self.durations[:5], "seconds above 0, one a sample, at least one"
        )


@dataclass(frozen=True)
class Index:
    """The shards of a split, and where they are."""

    path: Path
    names: tuple[str, ...]
    durations: tuple[NDArray[np.float32], ...]  # seconds of the samples of each shard
    source: str  # a folder, or pipe:COMMAND
    labels: Counter[str] = field(default_factory=Counter)  # samples that each class is heard in
    timed: int = 0  # samples that say when something is heard


def index_path(folder: Path, split: str) -> Path:
    """Where the index of a split lies in a folder of prepared data."""
    return folder / f"{split}{SUFFIX}"


def read_index(path: Path, source: str | None = None) -> Index:
    """The index at `path`; shards in a folder are looked for, those of a pipe are not.

    Raises: ShardError naming the line, ConfigError for a source that is neither.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ShardError(
            f"{path}: cannot be read: {reason(error)}; make shards with python -m recipes.shard"
        ) from error
    names: dict[str, int] = {}
    durations, labels, timed = [], Counter[str](), 0
    where = check_source(source) if source else str(path.parent)
    for number, line in enumerate(lines, 1):
        shard = _parse(line, f"{path}:{number}")
        if shard.shard in names:
            raise ShardError(
                f"{path}:{number}: {shard.shard!r} already stands in line {names[shard.shard]}"
            )
        names[shard.shard] = number
        durations.append(np.array(shard.durations, np.float32))
        labels.update(dict(shard.labels))
        timed += shard.timed
        if not is_pipe(where):
            _check_file(Path(where, shard.shard), shard.bytes, f"{path}:{number}")
    if not names:
        raise ShardError(f"{path}: found no line, expected one a shard")
    return Index(path, tuple(names), tuple(durations), where, labels, timed)


def write_index(path: Path, shards: Iterable[Shard]) -> None:
    """Write an index, replacing an older one at once. Raises: OSError."""
    rows = ({k: v for k, v in asdict(shard).items() if v not in ((), 0)} for shard in shards)
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def count_labels(utterances: Iterable[Utterance]) -> tuple[tuple[str, int], ...]:
    """For `Shard.labels`."""
    return tuple(Counter(name for u in utterances for name in set(u.labels or ())).items())


def count_timed(utterances: Iterable[Utterance]) -> int:
    """For `Shard.timed`."""
    return sum(bool(u.events) for u in utterances)


def is_pipe(source: str) -> bool:
    """Whether a command is to be run for each shard."""
    return source.startswith("pipe:")


def check_source(source: str) -> str:
    """A folder or pipe:COMMAND with {}. Raises: ConfigError."""
    fine = "{}" in source if is_pipe(source) else Path(source).is_dir()
    require(
        fine, "shards.source", source,
        "a folder, or pipe:COMMAND with {} where the name of a shard belongs",
    )  # fmt: skip
    return source


def _parse(line: str, where: str) -> Shard:
    try:
        return from_dict(Shard, json.loads(line), where)
    except ValueError as error:
        raise ShardError(f"{where}: not JSON: {error}") from error
    except ConfigError as error:
        raise ShardError(str(error)) from error


def _check_file(path: Path, size: int, where: str) -> None:
    found = path.stat().st_size if path.is_file() else None
    if found != size:
        what = "no such file" if found is None else f"{found} bytes"
        raise ShardError(
            f"{where}: {path}: found {what}, expected {size} bytes; copy the shard again, or make "
            "the index again with python -m recipes.index_shards"
        )
