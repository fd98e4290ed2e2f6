"""What is scored: of shards all that is in them, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.data.inputs import read_source
from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.data.shard_writer import write_tar
from audio_rnn.data.shards import Shard, index_path, write_index
from audio_rnn.errors import InputError, ManifestError, ShardError
from recipes import shard
from recipes.held_out import held_out

FRAMES = np.arange(26, dtype=np.float32).reshape(2, 13)


def prepared(folder: Path, count: int = 5) -> Path:
    """A folder with frames of so many utterances, as files and, in `shards`, in shards of two."""
    names = [f"u{n}" for n in range(count)]
    lines = [Utterance(name, 1.0, features=f"{name}.npy", text=name) for name in names]
    folder.mkdir()
    for n, name in enumerate(names):
        np.save(folder / f"{name}.npy", FRAMES + n)
    write_manifest(folder / "test.jsonl", lines)
    shard.prepare(shard.Options(folder, folder / "shards", seconds=2.0))
    return folder


def read(path: Path, source: str | None = None) -> dict[str, tuple[str | None, list[float]]]:
    return {
        r.utterance.id: (r.utterance.text, read_source(r.source, r.utterance, 8000)[0].tolist())
        for part in held_out(path, source)
        for r in part
    }


def test_shards_hold_what_the_manifest_says(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "data")
    index = folder / "shards/test.shards.jsonl"
    whole = read(folder / "test.jsonl")
    assert read(index) == whole and len(whole) == 5
    assert [len(part) for part in held_out(index)] == [2, 2, 1]
    assert read(index, f"pipe:cat {folder}/shards/{{}}") == whole


def test_a_source_is_for_shards_alone(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "data")
    with pytest.raises(InputError, match=r"--source: found 'x', expected it with an index"):
        held_out(folder / "test.jsonl", "x")


def test_a_sample_that_cannot_be_used_is_no_sample_less(tmp_path: Path) -> None:
    """Where training leaves it out."""
    told = json.dumps({"id": "a", "text": "a", "duration": -1}).encode()
    index = sharded(tmp_path, [("0.npy", b""), ("0.json", told)], 1)
    with pytest.raises(InputError, match=r"test/0\.tar: 0.*duration"):
        read(index)


def test_an_id_that_comes_again_is_named(tmp_path: Path) -> None:
    """Scores are kept by id."""
    told = json.dumps({"id": "a", "text": "a"}).encode()
    parts = [(f"{n}.{end}", data) for n in "01" for end, data in (("npy", b""), ("json", told))]
    with pytest.raises(ManifestError, match=r"test/0\.tar: found id 'a' again"):
        read(sharded(tmp_path, parts, 2))


def test_a_shard_with_fewer_samples_than_its_index_tells_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"found 1 samples, expected 2"):
        read(sharded(tmp_path, [("0.npy", b""), ("0.txt", b"a")], 2))


def sharded(folder: Path, members: list[tuple[str, bytes]], count: int) -> Path:
    (folder / "test").mkdir()
    write_tar(folder / "test/0.tar", members)
    size = (folder / "test/0.tar").stat().st_size
    write_index(index_path(folder, "test"), [Shard("test/0.tar", size, (1.0,) * count)])
    return index_path(folder, "test")


def test_a_manifest_comes_as_a_whole(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "data", 3)
    [part] = held_out(folder / "test.jsonl")
    assert [r.utterance for r in part] == read_manifest(folder / "test.jsonl")
