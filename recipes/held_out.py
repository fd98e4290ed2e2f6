"""What a model is scored on: the recordings of a manifest, or of an index of shards, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.audio import Source
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.data.samples import describe, sound_of
from audio_rnn.data.shards import SUFFIX, Index, read_index
from audio_rnn.data.tar import read_shard
from audio_rnn.errors import InputError, ManifestError
from recipes.prepared import in_shards


@dataclass(frozen=True)
class Recording:
    """A recording, and what is known of it."""

    utterance: Utterance
    source: Source


def held_out(path: Path, source: str | None = None) -> Iterator[list[Recording]]:
    """All recordings: those of a manifest at once, those of shards shard by shard.

    `source` is where shards lie, if not beside their index: a folder, or pipe:COMMAND. Training
    leaves out what it cannot use, but a score is one of all.

    Raises: InputError, ShardError and ManifestError among them.
    """
    if in_shards(path):
        return _of_shards(read_index(path, source))
    if source is not None:
        raise InputError(
            f"--source: found {source!r}, expected it with an index, NAME{SUFFIX}, alone"
        )
    return iter([with_sounds(read_manifest(path), path.parent)])


def with_sounds(utterances: list[Utterance], folder: Path) -> list[Recording]:
    """Lines of a manifest in `folder`."""
    return [Recording(utterance, folder / utterance.source) for utterance in utterances]


def _of_shards(index: Index) -> Iterator[list[Recording]]:
    known: set[str] = set()
    for number, lengths in enumerate(index.durations):
        part = [
            Recording(describe(sample, float(seconds)), sound_of(sample))
            for sample, seconds in zip(read_shard(index, number), lengths)
        ]
        names = [recording.utterance.id for recording in part]
        twice = [name for n, name in enumerate(names) if name in known or name in names[:n]]
        if twice:
            raise ManifestError(
                f"{index.names[number]}: found id {twice[0]!r} again, expected each once; make the "
                "shards again"
            )
        known.update(names)
        yield part
