"""`audio-rnn tag` and `detect`: files in, tables out, pictures, streams, and every mistake."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.__main__ import main
from audio_rnn.audio import read_audio, write_audio
from audio_rnn.features import FeatureConfig
from audio_rnn.inference.tagger import Tagger
from tests.small_model import RATE, save_small_model, write_sounds
from tests.small_tagger import NAMES, save_small_tagger, small_tagger

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_small_tagger(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def causal(tmp_path_factory) -> Path:
    return save_small_tagger(tmp_path_factory.mktemp("causal"), small_tagger(bidirectional=False))


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return write_sounds(tmp_path / "in", 1.0, 2.0)


@pytest.fixture
def run(model, capsys, monkeypatch) -> Run:
    """A command in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        named = [] if "--model" in arguments else ["--model", str(model)]
        status = main([*map(str, arguments), "--device", "cpu", *named])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def table(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_several_trainings_are_asked_together(run, model, files, tmp_path):
    other = save_small_tagger(tmp_path / "other", small_tagger(seed=1))
    expected = Tagger.load(model, "cpu", others=[other])
    for command, listed, kept in (("tag", "tags", "probability"), ("detect", "events", "score")):
        status, out, _ = run(command, files[0], "--also", other, "--format", "json")
        answer = (
            expected.tag(files[0]).tags[:3]
            if command == "tag"
            else expected.detect(files[0]).events
        )
        assert status == 0
        assert [row[kept] for row in json.loads(out)[listed]] == [getattr(a, kept) for a in answer]
        status, out, err = run(command, files[0], "--also", tmp_path / "none")
        assert (status, out) == (1, "")
        assert "no such folder" in err


def test_tags_of_a_file_and_of_several(run, model, files):
    [one, two] = [Tagger.load(model, "cpu").tag(path).tags for path in files]
    line = ", ".join(f"{tag.label} {tag.probability:.2f}" for tag in one[:3])
    status, out, err = run("tag", files[0])
    assert (status, out) == (0, line + "\n")
    assert err.startswith("1 tagged, 0 failed (1.0 s of audio in ")
    _, out, _ = run("tag", *files, "--top", 1)
    expected = [f"{p}: {t[0].label} {t[0].probability:.2f}\n" for p, t in zip(files, (one, two))]
    assert out == "".join(expected)


def test_several_tables_on_standard_output_are_one(run, model, files):
    _, out, _ = run("tag", *files, "--top", 2, "--window", 0.5, "--format", "csv")
    found = table(out)
    assert len(found) == 2 * (2 + 4)
    assert {row["path"] for row in found} == set(map(str, files))
    _, out, _ = run("detect", *files, "--format", "tsv")
    tagger = Tagger.load(model, "cpu")
    expected = [(p.name, e.label) for p in files for e in tagger.detect(p).events]
    assert [(row["filename"], row["event_label"]) for row in table(out, "\t")] == expected
    assert {label for _, label in expected} & {NAMES[0], NAMES[1], NAMES[4]}


def test_every_format_at_once_into_a_folder(run, files, tmp_path):
    out = tmp_path / "out"
    formats = ("txt", "json", "csv", "tsv", "audacity")
    assert run("detect", files[0].parent, "--output", out, "--format", *formats)[:2] == (0, "")
    names = {f"sound{i}.{s}" for i in (0, 1) for s in (*formats[:4], "labels.txt")}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "sound1.json").read_text())["duration"] == 2.0
    for path in out.iterdir():
        suffix = path.name.partition(".")[2]
        name = "audacity" if suffix == "labels.txt" else suffix
        source = files[int(path.name[5])]
        assert run("detect", source, "--format", name)[1] == path.read_text()
    status, _, err = run("detect", files[0].parent, "--output", out)
    assert status == 1
    assert "found 2 of 2 files written already" in err
    assert run("tag", files[0], "--output", out, "--overwrite")[0] == 0


def test_a_bad_file_is_named_and_the_others_are_done(run, files, tmp_path):
    text, empty = tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no sound at all")
    empty.touch()
    for command, done in (("tag", "tagged"), ("detect", "searched")):
        status, out, err = run(command, files[0], text, empty, files[1], "--format", "json")
        assert status == 1
        assert [json.loads(line)["path"] for line in out.splitlines()] == list(map(str, files))
        assert err.count("failed: ") == 2
        assert f"failed: {text}: found no audio format" in err
        assert err.splitlines()[-1].startswith(f"2 {done}, 2 failed")


def test_silence_and_very_short_clips_are_answered(run, tmp_path):
    write_audio(tmp_path / "silence.wav", np.zeros(RATE, np.float32), RATE)
    write_sounds(tmp_path, 0.1)
    status, out, _ = run("detect", tmp_path / "silence.wav")
    assert (status, out) == (0, "no events\n")
    status, out, _ = run("tag", tmp_path, "--format", "csv", "--top", 1)
    assert status == 0
    assert len(table(out)) == 2


def test_a_threshold_and_a_channel(run, files, tmp_path):
    few, many = (
        len(table(run("detect", files[1], "--format", "csv", "--threshold", p)[1]))
        for p in (0.95, 0.5)
    )
    assert few < many
    stereo = tmp_path / "stereo.wav"
    left, right = (read_audio(path, RATE)[:RATE] for path in files)
    soundfile.write(stereo, np.stack([left, right], 1), RATE)
    assert run("tag", stereo, "--channel", 0)[1] == run("tag", files[0])[1]


@pytest.mark.parametrize("command", ["tag", "detect"])
def test_a_picture(run, files, tmp_path, command):
    picture = tmp_path / "picture.png"
    status, out, _ = run(command, files[1], "--plot", picture, "--plot-from", 0.5)
    assert status == 0
    assert out
    image = size_of(picture)
    assert image[0] == 800
    assert 400 < image[1] < 1200


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height that the PNG's header tells."""
    header = picture.read_bytes()[:24]
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def test_mistakes_are_one_line_and_status_one(run, files, tmp_path, capsys):
    speech = save_small_model(tmp_path / "speech")
    mistakes = [
        (["tag"], "inputs: found none"),
        (["tag", files[0], "--top", 0], "top: found 0"),
        (["tag", files[0], "--above", 2], "above: found 2.0"),
        (["tag", files[0], "--window", 0.001], "expected a step of the model, 0.04 s"),
        (
            ["tag", files[0], "--format", "audacity"],
            "found 'audacity', expected one or more of txt",
        ),
        (["detect", files[0], "--threshold", 1], "threshold: found 1.0"),
        (["detect", *files, "--plot", tmp_path / "a.png"], "found 2 inputs, expected one file"),
        (["detect", "-", "--plot", tmp_path / "a.png"], "found standard input, expected one file"),
        (["detect", files[0], "--plot", tmp_path / "a.xyz"], "found 'a.xyz', expected a name"),
        (
            ["detect", files[0], "--plot", tmp_path / "a.png", "--plot-from", 9],
            "less than the 1.0 s",
        ),
        (["tag", files[0], "--model", speech], "speech"),
        (["detect", files[0], "--model", tmp_path / "none"], "no such folder"),
    ]
    for arguments, message in mistakes:
        status, _, err = run(*arguments)
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (status, len(errors)) == (1, 1), (arguments, err)
        assert message in errors[0]
    for command in ("tag", "detect"):
        assert main([command]) == 1
        assert f"as in audio-rnn {command} recordings" in capsys.readouterr().err


def test_a_stream_finds_what_the_file_has(run, causal, tmp_path):
    path = write_sounds(tmp_path, 4.3)[0]
    expected = run("detect", path, "--model", causal)[1]
    assert expected.count("\n") > 3
    bare = (read_audio(path, RATE) * 32768).round().astype("<i2").tobytes()
    for arguments, stdin in (
        ([path], b""),
        (["-"], path.read_bytes()),
        (["--pcm-rate", RATE], bare),
    ):
        status, out, err = run("detect", "--stream", *arguments, "--model", causal, stdin=stdin)
        assert status == 0
        assert sorted(out.splitlines()) == sorted(expected.splitlines())
        assert err.startswith("4.3 s of sound, computed in ")
        assert "latency 0." in err
    out = run("detect", "--stream", path, "--partial", "--model", causal)[1]
    kinds = [line.split("\t")[0] for line in out.splitlines()]
    assert kinds.count("final") == expected.count("\n")
    assert kinds.count("partial") > 3
    out = run("detect", "--stream", path, "--format", "json", "--model", causal)[1]
    assert all(json.loads(line)["final"] for line in out.splitlines())


def test_a_stream_of_two_directions_and_one_that_cannot_be(run, causal, files, tmp_path):
    status, out, err = run("detect", "--stream", files[1])
    assert status == 0
    assert out
    assert "latency 1." in err
    features = FeatureConfig(kind="log_mel", n_mels=16, deltas=0, normalization="utterance")
    whole = save_small_tagger(tmp_path / "whole", small_tagger(features=features))
    status, out, err = run("detect", "--stream", files[1], "--model", whole)
    assert (status, out) == (1, "")
    assert "normalization utterance" in err
    (tmp_path / "text.wav").write_text("hello")
    status, out, err = run("detect", "--stream", tmp_path / "text.wav", "--model", causal)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "text.wav: found no audio format that is known" in err
    status, _, err = run("detect", "--stream", "--model", causal, "--pcm-rate", 8000, stdin=b"abc")
    assert status == 1
    assert "ends in the middle of a sample" in err
