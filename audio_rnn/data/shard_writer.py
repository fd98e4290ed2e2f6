"""Writing shards: utterances of a manifest, as they are, into tar archives and an index."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from audio_rnn.data.manifest import Utterance
from audio_rnn.data.shards import Shard, count_labels, count_timed, index_path, write_index

HIDDEN = ("audio", "features")  # places in the folder that the sound comes from


def write_shards(
    folder: Path, split: str, source: Path, utterances: Sequence[Utterance], seconds: float
) -> list[Shard]:
    """Write {split}/NUMBER.tar of about `seconds` of sound each, in the order given, and the index.

    The sound lies below `source`. Raises: OSError.
    """
    (folder / split).mkdir(parents=True, exist_ok=True)
    index_path(folder, split).unlink(missing_ok=True)
    shards = []
    for number, some in enumerate(pieces(utterances, seconds)):
        name = f"{split}/{number:06d}.tar"
        write_tar(folder / name, _members(source, some))
        size = (folder / name).stat().st_size
        durations = tuple(u.duration for u in some)
        shards.append(Shard(name, size, durations, count_labels(some), count_timed(some)))
    write_index(index_path(folder, split), shards)
    return shards


def pieces(utterances: Iterable[Utterance], seconds: float) -> Iterator[list[Utterance]]:
    """Consecutive ones, until they last so long."""
    piece, length = list[Utterance](), 0.0
    for utterance in utterances:
        piece.append(utterance)
        length += utterance.duration
        if length >= seconds:
            yield piece
            piece, length = [], 0.0
    if piece:
        yield piece


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Files by name into an archive that is the same whoever makes it when. Raises: OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as archive:
            for name, data in members:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, BytesIO(data))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _members(source: Path, utterances: Iterable[Utterance]) -> Iterator[tuple[str, bytes]]:
    for number, utterance in enumerate(utterances):
        told = {k: v for k, v in asdict(utterance).items() if v is not None and k not in HIDDEN}
        suffix = Path(utterance.source).suffix.lower()
        yield f"{number:06d}{suffix}", (source / utterance.source).read_bytes()
        yield f"{number:06d}.json", json.dumps(told, ensure_ascii=False).encode()
