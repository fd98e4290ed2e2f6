"""Shards: every sample once, wherever and by however many it is read; and all that may be broken."""

from __future__ import annotations

import json
import logging
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.data.batching import BatchConfig
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.samples import SpeechReader
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shard_plan import ShardPlan
from audio_rnn.data.shard_writer import write_shards, write_tar
from audio_rnn.data.shards import Index, Shard, ShardConfig, index_path, read_index, write_index
from audio_rnn.data.tar import read_samples
from audio_rnn.errors import ConfigError, ShardError, VocabularyError
from tests.data.test_batching import assert_equal
from tests.small_model import RATE, sound

COUNT = 37
LANES = ShardConfig(lanes=4, buffer=1.5)


def encode(utterance: Utterance) -> list[int]:
    if utterance.text == "bad":
        raise VocabularyError(f"{utterance.id}: found 'bad', expected words")
    return [int(letter) + 1 for letter in utterance.text or ""]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """37 recordings of 0.1 to 0.5 seconds, in shards of a second: of uneven sizes."""
    folder = tmp_path_factory.mktemp("corpus")
    lengths = np.random.default_rng(0).uniform(0.1, 0.5, COUNT).round(2).tolist()
    utterances = []
    for n, seconds in enumerate(lengths):
        write_audio(folder / f"{n}.flac", sound(seconds, n), RATE)
        utterances.append(Utterance(f"u{n}", seconds, audio=f"{n}.flac", text=str(n)))
    write_shards(folder / "shards", "train", folder, utterances, 1.0)
    return folder


def batches(
    corpus: Path, config: ShardConfig = LANES, workers: int = 0, rank: int = 0, world: int = 1
) -> ShardBatches:
    index = read_index(index_path(corpus / "shards", "train"), config.source)
    reader = SpeechReader(encode, RATE)
    return ShardBatches(index, reader, config, BatchConfig(2.0, workers), 7, rank, world)


def worked(batch) -> list[str]:
    return [name for name, weight in zip(batch.ids, batch.weights.tolist()) if weight]


def test_samples_are_those_of_the_manifest_and_their_sound_that_of_the_files(corpus):
    for batch in batches(corpus).epoch(1):
        for n, name in enumerate(batch.ids):
            waveform = read_audio(corpus / f"{name[1:]}.flac", RATE)
            assert torch.equal(batch.inputs[n, : batch.lengths[n]], torch.from_numpy(waveform))
            symbols = batch.targets[n, : batch.target_lengths[n]].tolist()
            assert "".join(str(i - 1) for i in symbols) == name[1:]


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_each_sample_once_an_epoch_over_all_processes_and_steps_are_equal(corpus, world):
    every = [batches(corpus, rank=rank, world=world) for rank in range(world)]
    for epoch in range(4):
        found = [list(one.epoch(epoch)) for one in every]
        assert {len(part) for part in found} == {every[0].steps(epoch)}
        names = Counter(name for part in found for batch in part for name in worked(batch))
        assert names == Counter(f"u{n}" for n in range(COUNT))
        for step in zip(*found, strict=True):
            assert {batch.total for batch in step} == {sum(map(len, map(worked, step)))}
            assert all(batch.ids for batch in step)


@pytest.mark.parametrize("world", [2, 4])
def test_what_comes_at_a_step_does_not_depend_on_the_number_of_processes(corpus, world):
    alone = [sorted(worked(batch)) for batch in batches(corpus).epoch(3)]
    shares = zip(*(batches(corpus, rank=rank, world=world).epoch(3) for rank in range(world)))
    assert [sorted(name for part in step for name in worked(part)) for step in shares] == alone


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_goes_on_from_any_step_and_workers_change_nothing(corpus, workers):
    for rank in range(2):
        whole = list(batches(corpus, rank=rank, world=2).epoch(2))
        for start in range(0, len(whole) + 1, 3 if workers else 1):
            again = batches(corpus, workers=workers, rank=rank, world=2).epoch(2, start)
            assert_equal(list(again), whole[start:])


def test_epochs_differ_and_depend_on_nothing_but_seed_and_number(corpus):
    one, other = batches(corpus), batches(corpus)
    orders = [[batch.ids for batch in one.epoch(n)] for n in (1, 2)]
    assert orders[0] != orders[1]
    assert [batch.ids for batch in other.epoch(2)] == orders[1]
    plain = [
        name for batch in batches(corpus, ShardConfig(buffer=1e-3)).epoch(0) for name in batch.ids
    ]
    assert plain == [f"u{n}" for n in range(COUNT)]


def plan_of(
    sizes: list[list[float]],
    lanes: int,
    buffer: float,
    seconds: float,
    epoch: int,
    most: int | None = None,
) -> ShardPlan:
    durations = tuple(np.array(shard, np.float32) for shard in sizes)
    index = Index(Path("train.shards.jsonl"), tuple(map(str, range(len(sizes)))), durations, "")
    batches = BatchConfig(seconds, most=most)
    return ShardPlan(index, ShardConfig(lanes=lanes, buffer=buffer), batches, 3, epoch)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.floats(0.1, 30), min_size=1, max_size=40), min_size=5, max_size=12),
    st.integers(1, 5),
    st.floats(1, 200),
    st.floats(1, 200),
    st.integers(0, 3),
)
def test_every_plan_takes_each_sample_once_within_its_seconds(sizes, lanes, buffer, seconds, epoch):
    plan = plan_of(sizes, lanes, buffer, seconds, epoch)
    assert sorted(shard for lane in plan.lanes for shard in lane) == list(range(len(sizes)))
    seen = [Counter[int]() for _ in range(lanes)]
    steps = 0
    for whole in plan.rounds(0):
        for step in whole.steps:
            steps += 1
            for counter, (first, _), lane, batch in zip(seen, whole.bounds, plan.durations, step):
                counter.update(first + i for i in batch)
                longest = lane[first:][batch].max(initial=0)
                assert len(batch) <= 1 or len(batch) * longest <= seconds / lanes * (1 + 1e-6)
    assert steps == plan.steps
    for counter, lane in zip(seen, plan.durations):
        assert counter == Counter(range(len(lane)))
    assert 0 <= plan.padding < 1


def test_short_samples_are_as_few_as_is_told():
    sizes = [[0.1] * 50 for _ in range(4)]
    plan = plan_of(sizes, 2, 1000, 400, 1, most=20)
    steps = [step for whole in plan.rounds(0) for step in whole.steps]
    assert [[len(batch) for batch in step] for step in steps] == [[10, 10]] * 10


def test_lanes_have_samples_of_like_length_at_a_step_and_little_padding():
    random = np.random.default_rng(1)
    sizes = [random.uniform(2, 20, random.integers(50, 400)).tolist() for _ in range(64)]
    plan = plan_of(sizes, lanes=8, buffer=3600, seconds=1600, epoch=1)
    ratios, idle = [], 0
    for whole in plan.rounds(0):
        for step in whole.steps:
            longest = [
                lane[first:][batch].max()
                for lane, (first, _), batch in zip(plan.durations, whole.bounds, step)
                if batch
            ]
            idle += 8 - len(longest)
            ratios.append(max(longest) / min(longest))
    assert np.median(ratios) < 1.25
    assert idle == 0
    assert plan.padding < 0.1


def test_more_lanes_than_shards_or_processes_than_lanes_are_refused(corpus):
    with pytest.raises(ConfigError, match=r"found 99, expected at most \d+"):
        batches(corpus, ShardConfig(lanes=99)).steps(1)
    with pytest.raises(ConfigError, match=r"found 4 for 5 processes.*--shards\.lanes 5"):
        batches(corpus, world=5)


def test_shards_come_from_a_folder_or_a_command(corpus, tmp_path):
    (tmp_path / "index.shards.jsonl").write_bytes(
        (corpus / "shards/train.shards.jsonl").read_bytes()
    )
    plain = [batch.ids for batch in batches(corpus).epoch(1)]
    for source in (str(corpus / "shards"), f"pipe:cat '{corpus}/shards/{{}}'"):
        index = read_index(tmp_path / "index.shards.jsonl", source)
        reader = SpeechReader(encode, RATE)
        made = ShardBatches(index, reader, LANES, BatchConfig(2.0), 7)
        assert [batch.ids for batch in made.epoch(1)] == plain
    for nonsense in ("nowhere", "pipe:cat all"):
        with pytest.raises(ConfigError, match=r"shards\.source.*pipe:COMMAND with \{\}"):
            read_index(tmp_path / "index.shards.jsonl", nonsense)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("cat /nowhere/{}", "ended with status 1: cat: /nowhere/train/000000.tar: No such file"),
        ("no-such-program {}", "No such file"),
        ("bash -c 'head -c 5000 $0; exit 3' SHARDS/{}", "ended with status 3"),
        ("head -c 5000 SHARDS/{}", "truncated"),
        ("bash -c 'cat $0; echo lost >&2; exit 4' SHARDS/{}", "status 4: lost"),
    ],
)
def test_a_command_that_fails_is_named_with_what_it_said(corpus, command, reason):
    config = ShardConfig(f"pipe:{command.replace('SHARDS', str(corpus / 'shards'))}")
    with pytest.raises(ShardError, match=f"train/.*{reason}"):
        list(batches(corpus, config).epoch(0))


@pytest.mark.parametrize(
    "name", ["../a.tar", "/a.tar", "-rf", "a;b", "a b", "$(a)", "a/../b", "a//b", ""]
)
def test_names_in_an_index_lead_nowhere_and_hold_no_command(tmp_path, name):
    path = index_path(tmp_path, "train")
    path.write_text(json.dumps({"shard": name, "bytes": 1, "durations": [1.0]}))
    with pytest.raises(ShardError, match=r"train\.shards\.jsonl:1: shard: found"):
        read_index(path, "pipe:cat {}")


@pytest.mark.parametrize("cut", [100, 512, 1536, 5000, 0.4, 0.6])
def test_a_truncated_shard_is_named_at_the_start_and_on_the_way(corpus, tmp_path, cut):
    data = (corpus / "shards/train/000001.tar").read_bytes()
    rest = data[: int(cut * len(data)) if isinstance(cut, float) else cut]
    index = index_path(corpus / "shards", "train")
    lines = index.read_text().splitlines()
    (tmp_path / "train").mkdir()
    (tmp_path / "train/000001.tar").write_bytes(rest)
    (tmp_path / "train.shards.jsonl").write_text(lines[1])
    with pytest.raises(ShardError, match=rf"found {len(rest)} bytes, expected {len(data)} bytes"):
        read_index(tmp_path / "train.shards.jsonl")
    values = {**json.loads(lines[1]), "bytes": len(rest)}
    (tmp_path / "train.shards.jsonl").write_text(json.dumps(values))
    made = ShardBatches(
        read_index(tmp_path / "train.shards.jsonl"),
        SpeechReader(encode, RATE),
        ShardConfig(),
        BatchConfig(),
    )
    with pytest.raises(
        ShardError, match=r"train/000001.tar.*(truncated|found \d samples, expected)"
    ):
        list(made.epoch(1))


def test_a_damaged_header_is_named(corpus, tmp_path):
    data = bytearray((corpus / "shards/train/000000.tar").read_bytes())
    (tmp_path / "train").mkdir()
    second = data.index(b"000000.json")
    data[second + 150] ^= 0xFF
    (tmp_path / "train/000000.tar").write_bytes(data)
    line = (corpus / "shards/train.shards.jsonl").read_text().splitlines()[0]
    (tmp_path / "train.shards.jsonl").write_text(line)
    made = ShardBatches(
        read_index(tmp_path / "train.shards.jsonl"),
        SpeechReader(encode, RATE),
        ShardConfig(),
        BatchConfig(),
    )
    with pytest.raises(ShardError, match=r"train/000000.tar: found 1 samples, expected \d"):
        list(made.epoch(1))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_last_shard_with_more_than_its_index_tells_is_named(corpus, tmp_path, workers):
    line = json.loads((corpus / "shards/train.shards.jsonl").read_text().splitlines()[0])
    line["durations"].pop()
    (tmp_path / "train.shards.jsonl").write_text(json.dumps(line))
    index = read_index(tmp_path / "train.shards.jsonl", str(corpus / "shards"))
    made = ShardBatches(index, SpeechReader(encode, RATE), ShardConfig(), BatchConfig(2.0, workers))
    with pytest.raises(
        ShardError, match=r"train/000000.tar: found (\d) samples, expected (?!\1)\d"
    ):
        list(made.epoch(1))


def damaged(corpus: Path, folder: Path, bad: int) -> Path:
    """One shard of all recordings; the sound of `bad` of them is none, and one text is unknown."""
    members = []
    for n in range(COUNT):
        data = b"no sound" if n < bad else (corpus / f"{n}.flac").read_bytes()
        text = "bad" if n == COUNT - 1 else str(n)
        members += [(f"{n:03d}.flac", data), (f"{n:03d}.txt", text.encode())]
    write_tar(folder / "a.tar", members)
    size = (folder / "a.tar").stat().st_size
    write_index(index_path(folder, "train"), [Shard("a.tar", size, (0.3,) * COUNT)])
    return index_path(folder, "train")


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_samples_are_named_and_counted_and_the_others_trained_on(
    corpus, tmp_path, caplog, workers
):
    index = read_index(damaged(corpus, tmp_path, bad=3))
    made = ShardBatches(index, SpeechReader(encode, RATE), ShardConfig(), BatchConfig(0.3, workers))
    with caplog.at_level(logging.WARNING):
        found = list(made.epoch(1))
    assert len(found) == made.steps(1) == COUNT
    assert Counter(name for b in found for name in worked(b)) == Counter(
        f"{n:03d}" for n in range(3, 36)
    )
    assert made.bad == 4
    *named, counted = [record.message for record in caplog.records]
    assert counted == "epoch 1: 4 of 37 samples left out"
    assert all(message.startswith("left out: ") for message in named)
    assert sum("a.tar: 000.flac: found no audio format" in message for message in named) == 1
    assert sum("found 'bad', expected words" in message for message in named) == 1


def test_too_many_bad_samples_stop_the_training(corpus, tmp_path):
    index = read_index(damaged(corpus, tmp_path, bad=20))
    made = ShardBatches(index, SpeechReader(encode, RATE), ShardConfig(), BatchConfig(1.0))
    with pytest.raises(
        ShardError, match=r"of \d+ samples cannot be used, expected at most 10 and 1%"
    ):
        list(made.epoch(0))


def test_paths_and_links_in_an_archive_lead_nowhere(corpus, tmp_path):
    data = (corpus / "0.flac").read_bytes()
    write_tar(tmp_path / "a.tar", [("../../escaped.flac", data), ("/etc/escaped2.flac", data)])
    before = sorted(tmp_path.parent.rglob("*"))
    keys = [sample.key for sample in read_samples(str(tmp_path), "a.tar")]
    assert keys == ["../../escaped", "/etc/escaped2"]
    assert sorted(tmp_path.parent.rglob("*")) == before
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        link = tarfile.TarInfo("a.flac")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(ShardError, match="found a link or device"):
        list(read_samples(str(tmp_path), "b.tar"))


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path):
    member = tarfile.TarInfo("a.flac")
    member.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(1024))
    with pytest.raises(ShardError, match=f"found {1 << 40} bytes, expected at most"):
        list(read_samples(str(tmp_path), "a.tar"))


def test_webdataset_reads_our_shards_and_we_read_its(corpus, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    ours = list(read_samples(str(corpus / "shards"), "train/000000.tar"))
    url = str(corpus / "shards/train/000000.tar")
    theirs = list(webdataset.WebDataset(url, shardshuffle=False))
    assert [s["__key__"] for s in theirs] == [s.key for s in ours]
    for a, b in zip(ours, theirs, strict=True):
        assert a.parts == {name: data for name, data in b.items() if not name.startswith("__")}
    with webdataset.TarWriter(str(tmp_path / "w.tar")) as writer:
        for sample in ours:
            writer.write({"__key__": f"a/{sample.key}", **sample.parts})
    again = list(read_samples(str(tmp_path), "w.tar"))
    assert [(s.key, s.parts) for s in again] == [(f"a/{s.key}", s.parts) for s in ours]


def test_a_sample_is_all_files_of_a_key_in_whatever_order(tmp_path):
    write_tar(
        tmp_path / "a.tar",
        [("x/1.JSON", b"{}"), ("x/1.seg.flac", b"a"), ("x/2.flac", b"b"), ("y/2.flac", b"c")],
    )
    found = [(s.key, s.parts) for s in read_samples(str(tmp_path), "a.tar")]
    assert found == [
        ("x/1", {"json": b"{}", "seg.flac": b"a"}),
        ("x/2", {"flac": b"b"}),
        ("y/2", {"flac": b"c"}),
    ]
    write_tar(tmp_path / "a.tar", [("1.flac", b"a"), ("1.flac", b"b")])
    with pytest.raises(ShardError, match=r"'1\.flac' stands twice"):
        list(read_samples(str(tmp_path), "a.tar"))


def test_shards_are_the_same_bytes_whenever_they_are_made(corpus, tmp_path):
    utterances = [Utterance("a", 0.1, audio="0.flac"), Utterance("b", 0.1, audio="1.flac")]
    for name in ("one", "two"):
        write_shards(tmp_path / name, "train", corpus, utterances, 100.0)
    one, two = (tmp_path / name / "train/000000.tar" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as archive:
        names = archive.getnames()
    assert names == ["000000.flac", "000000.json", "000001.flac", "000001.json"]
