"""`--manifest`: each recording once, whoever does it, however often it is started or killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.data import parts
from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.data.shard_writer import write_shards
from audio_rnn.decoding.events import DetectionConfig, save_rules
from audio_rnn.inference.bulk import BulkFolder
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.models.folder import model_folder
from tests.small_model import save_small_model, write_sounds
from tests.small_tagger import save_small_tagger

Run = Callable[..., tuple[int, str]]
COUNT = 9


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("run"))


@pytest.fixture
def manifest(tmp_path, monkeypatch) -> Path:
    """Nine recordings, of which one is broken and one is missing, in parts of two."""
    paths = write_sounds(tmp_path / "data", *(0.3 + n / 10 for n in range(COUNT)))
    rows = [Utterance(f"u{n}", 0.3 + n / 10, audio=path.name) for n, path in enumerate(paths)]
    write_manifest(tmp_path / "data/all.jsonl", rows)
    paths[4].write_bytes(b"no sound")
    paths[7].unlink()
    monkeypatch.setattr(parts, "LINES", 2)
    return tmp_path / "data/all.jsonl"


@pytest.fixture
def run(model, capsys) -> Run:
    """A command in this process: exit status, standard error."""

    def call(command: str, *arguments: object) -> tuple[int, str]:
        named = [] if "--model" in arguments else ["--model", str(model)]
        status = main([command, *map(str, arguments), *named, "--device", "cpu"])
        return status, capsys.readouterr().err

    return call


def read(folder: Path, pattern: str = "[0-9]*[0-9].jsonl") -> list[dict[str, object]]:
    lines = [
        line for path in sorted(folder.glob(pattern)) for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_a_killed_process_had_begun_another_one_does(manifest, model, tmp_path, monkeypatch):
    """Two at once; one is killed with a part in its hands, while the other waits for it."""
    output, held = tmp_path / "out", tmp_path / "held"
    arguments = ["transcribe", "--manifest", str(manifest), "--output", str(output)]
    arguments += ["--model", str(model), "--device", "cpu"]
    fill = BulkFolder.fill

    def stuck(self: BulkFolder, part: parts.Part, work: object) -> object:
        list(part.items())
        held.touch()
        time.sleep(600)
        return fill(self, part, work)

    def begin() -> None:
        os._exit(main(arguments))

    fork = multiprocessing.get_context("fork")
    with monkeypatch.context() as patch:
        patch.setattr(BulkFolder, "fill", stuck)
        one = fork.Process(target=begin)
        one.start()
    wait_until(held.exists)
    other = fork.Process(target=begin)
    other.start()
    wait_until(lambda: len(list(output.glob("[0-9]*[0-9].jsonl"))) == 4)
    assert other.is_alive()
    assert not (output / "000000.jsonl").exists()
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)
    one.join(60)
    other.join(120)
    assert (one.exitcode, other.exitcode) == (-signal.SIGKILL, 1)
    results, failed = read(output), read(output, "*.failed.jsonl")
    assert Counter(row["id"] for row in results + failed) == Counter(f"u{n}" for n in range(COUNT))
    plain = Transcriber.load(model, "cpu")
    for row in results:
        assert row["text"] == plain.transcribe(str(row["path"])).text
    assert [row["id"] for row in failed] == ["u4", "u7"]


def test_a_second_start_does_nothing_twice_and_names_the_failures_again(manifest, run, tmp_path):
    arguments = ("transcribe", "--manifest", manifest, "--output", tmp_path / "out")
    status, told = run(*arguments)
    assert status == 1
    assert "7 transcribed here" in told
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.jsonl")}
    (tmp_path / "out/000001.jsonl").unlink()
    status, told = run(*arguments)
    assert status == 1
    assert "2 transcribed here" in told
    assert "failed: u4: found no audio format" in told
    assert "failed: u7: cannot be read: No such file" in told
    assert "5 of 5 parts are done" in told
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path.name for path in before if before[path] != after[path]] == ["000001.jsonl"]


def test_long_recordings_make_parts_of_their_own(tmp_path):
    """Cut where there is enough sound; a line that is broken, or blank, counts for none."""
    path = tmp_path / "all.jsonl"
    hours = [0.4, 0.7, 2.0, 0.1, 0.2, 0.9]
    write_manifest(path, [Utterance(f"u{n}", 3600 * h, audio="a") for n, h in enumerate(hours)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], "{", "", *lines[4:]]) + "\n")
    found = [[item.id for item in part.items()] for part in parts.parts_of(path)]
    assert found == [["u0", "u1"], ["u2"], ["u3", f"{path}:5", "u4", "u5"]]


def test_shares_are_all_parts_once(manifest, run, tmp_path):
    done = []
    for share in ("1/3", "2/3", "3/3"):
        run("transcribe", "--manifest", manifest, "--share", share, "--output", tmp_path / share[0])
        done += [path.name for path in (tmp_path / share[0]).glob("[0-9]*[0-9].jsonl")]
    assert sorted(done) == [f"{n:06d}.jsonl" for n in range(5)]


def test_results_of_other_data_or_options_are_not_mixed(manifest, run, tmp_path):
    arguments = ("transcribe", "--manifest", manifest, "--output", tmp_path / "out")
    run(*arguments)
    status, told = run(*arguments, "--beam-width", 3)
    assert status == 1
    assert "holds results of another run (settings.decoding.beam_width: None there, 3 now)" in told
    manifest.write_text(manifest.read_text().replace("u8", "u9"))
    assert "another run (manifest: " in run(*arguments)[1]


def test_shards_are_tagged_and_a_broken_one_is_tried_again(tmp_path, run):
    tagger = save_small_tagger(tmp_path / "tagger")
    paths = write_sounds(tmp_path / "data", *[0.5] * 6)
    rows = [Utterance(f"u{n}", 0.5, audio=path.name) for n, path in enumerate(paths)]
    write_shards(tmp_path / "shards", "train", tmp_path / "data", rows, 1.0)
    index, output = tmp_path / "shards/train.shards.jsonl", tmp_path / "out"
    broken = tmp_path / "shards/train/000001.tar"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:3000] + bytes(len(whole) - 3000))
    arguments = ("tag", "--manifest", index, "--output", output, "--model", tagger, "--top", 1)
    status, told = run(*arguments)
    assert status == 1
    assert "failed: part 000001, to be tried again: train/000001.tar: found 1 samples" in told
    assert "2 of 3 parts are done" in told
    broken.write_bytes(whole)
    assert run(*arguments)[0] == 0
    assert [row["id"] for row in read(output)] == [f"u{n}" for n in range(6)]
    assert all(len(row["tags"]) == 1 for row in read(output))


def test_events_are_found_and_other_rules_are_another_run(manifest, run, tmp_path):
    tagger = save_small_tagger(tmp_path / "tagger")
    output = tmp_path / "out"
    arguments = ("detect", "--manifest", manifest, "--output", output, "--model", tagger)
    assert run(*arguments, "--threshold", 0.01)[0] == 1
    assert [row["id"] for row in read(output)] == [f"u{n}" for n in range(COUNT) if n not in (4, 7)]
    assert all(row["events"] for row in read(output))
    assert "(settings.threshold: 0.01 there, None now)" in run(*arguments)[1]
    save_rules(model_folder(tagger), DetectionConfig().with_threshold(0.9))
    assert "another run (model: " in run(*arguments, "--threshold", 0.01)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--share", "1/2"], "expected --manifest with it"),
        (["--manifest", "a.jsonl"], "found no --output"),
        (["a.wav", "--manifest", "a.jsonl", "--output", "out"], "expected it alone"),
        (["--manifest", "a.jsonl", "--output", "out", "--format", "srt"], "expected it alone"),
        (["--manifest", "a.jsonl", "--output", "out"], "a.jsonl: cannot be read"),
        (["--manifest", "MANIFEST", "--output", "out", "--share", "4/3"], "K from 1 to N"),
        (["--manifest", "MANIFEST", "--output", "out", "--source", "pipe:cat {}"], "alone"),
    ],
)
def test_mistakes_are_named(manifest, run, arguments, message, monkeypatch):
    monkeypatch.chdir(manifest.parent)
    named = [str(manifest) if word == "MANIFEST" else word for word in arguments]
    status, told = run("transcribe", *named)
    assert status == 1
    assert message in told
