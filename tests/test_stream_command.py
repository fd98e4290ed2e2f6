"""`audio-rnn transcribe --stream`: files, pipes and a microphone, lines as they come, every end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.audio import read_audio
from audio_rnn.features import FeatureConfig
from audio_rnn.inference.transcriber import Transcriber
from tests.small_model import RATE, causal_model, save_small_model, small_model, write_sounds

COMMAND = [sys.executable, "-m", "audio_rnn", "transcribe", "--stream", "--device", "cpu"]
SOUNDDEVICE = '''
import numpy as np

class PortAudioError(Exception): pass

class InputStream:
    """A second and a half of noise, then silence in which Ctrl-C is pressed."""
    def __init__(self, rate, size, **options):
        self.noise, self.given = np.random.default_rng(0).uniform(-1, 1, 3 * rate // 2), 0
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def read(self, size):
        block = self.noise[self.given:self.given + size].astype(np.float32)
        self.given += size
        if len(block) < size:
            import os, signal, time
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        return block[:, None], False
'''


@pytest.fixture(scope="module")
def causal(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("causal"), causal_model("none"))


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Path:
    model = small_model(features=FeatureConfig(normalization="sliding"))
    return save_small_model(tmp_path_factory.mktemp("both"), model)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("audio"), 4.3)[0]


@pytest.fixture
def run(capsys, monkeypatch):
    """Stream in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(["transcribe", "--stream", "--device", "cpu", *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def bare(file: Path) -> bytes:
    return (read_audio(file, RATE) * 32768).round().astype("<i2").tobytes()


def text(model: Path, file: Path) -> str:
    return Transcriber.load(model, device="cpu").transcribe(file).text


def test_the_text_of_a_stream_is_that_of_transcribe(run, causal, file):
    expected = text(causal, file)
    assert len(expected) > 10
    for arguments, stdin in (
        ([file], b""),
        (["-"], file.read_bytes()),
        ([], file.read_bytes()),
        (["--pcm-rate", RATE], bare(file)),
    ):
        status, out, err = run("--model", causal, *arguments, stdin=stdin)
        assert status == 0
        assert " ".join(out.splitlines()) == expected
        assert err.startswith("4.3 s of sound, computed in ")
        assert "latency 0." in err
        assert "(95 %)" in err


def test_bare_samples_in_a_file(run, causal, file, tmp_path):
    path = tmp_path / "sound.pcm"
    path.write_bytes(bare(file))
    status, out, _ = run("--model", causal, "--pcm-rate", RATE, path)
    assert (status, " ".join(out.split("\n")).strip()) == (0, text(causal, file))


@pytest.mark.parametrize("options", [[], ["--chunk-seconds", "0.3", "--right-seconds", "0.6"]])
def test_two_directions_write_the_same_from_a_file_and_a_pipe(run, both, file, options):
    status, out, err = run("--model", both, *options, file)
    assert status == 0
    assert out.strip()
    piped = run("--model", both, *options, stdin=file.read_bytes())
    assert piped[:2] == (0, out)
    assert ("latency 1." if not options else "latency 0.9") in err


def test_json_lines_have_words_and_times(run, causal, file):
    _, out, _ = run("--model", causal, "--format", "json", "--partial", file)
    lines = [json.loads(line) for line in out.splitlines()]
    finals = [line for line in lines if line["final"]]
    assert " ".join(line["text"] for line in finals) == text(causal, file)
    assert len(lines) > 2 * len(finals)
    for line in lines:
        assert " ".join(word["text"] for word in line["words"]) == line["text"]
        assert all(0 <= word["start"] < word["end"] <= 4.3 for word in line["words"])


def test_partial_lines_are_marked(run, causal, file):
    _, out, _ = run("--model", causal, "--partial", file)
    marks = [line.split("\t")[0] for line in out.splitlines()]
    assert set(marks) == {"partial", "final"}
    assert marks[-1] == "final"


def test_what_was_recognised_before_a_break_is_shown(run, causal, file):
    status, out, err = run("--model", causal, "--pcm-rate", RATE, stdin=bare(file) + b"\1")
    assert status == 1
    assert " ".join(out.splitlines()) == text(causal, file)
    assert "ends in the middle of a sample: found 1 bytes after 4.300 s" in err
    assert "4.3 s of sound" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pcm-rate", "5"], "error: sample_rate: found 5, expected 100 to"),
        (["--live"], "error: live: found '-', expected a file"),
        (["--microphone", "x.wav"], "error: microphone: found 'x.wav', expected no other input"),
        (["--right-seconds", "1"], "error: right_seconds: found 1.0, expected none"),
        (["--chunk-seconds", "0"], "error: chunk_seconds: found 0.0, expected seconds, from 0.001"),
        (["missing.wav"], "error: missing.wav: cannot be read: No such file"),
        (["--pcm-rate", "8000", "missing.pcm"], "error: missing.pcm: cannot be read: No such file"),
        ([], "found an end inside the header"),
    ],
)
def test_wrong_options_and_inputs_are_named(run, causal, arguments, message):
    status, _, err = run("--model", causal, *arguments)
    assert status == 1
    assert message in err
    assert "real time" not in err  # of no sound


def test_a_model_of_whole_utterances_is_refused(run, tmp_path, file):
    status, _, err = run("--model", save_small_model(tmp_path), file)
    assert status == 1
    assert "normalization utterance" in err


def test_a_file_can_take_as_long_as_its_sound(run, causal, tmp_path):
    path = write_sounds(tmp_path, 1.0)[0]
    began = time.monotonic()
    assert run("--model", causal, "--live", path)[0] == 0
    assert time.monotonic() - began > 0.95


def start(model: Path, *arguments: str, **options: object) -> subprocess.Popen:
    command = [*COMMAND, "--model", str(model), *arguments]
    return subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=False, **options)


def test_lines_come_before_the_sound_ends_and_ctrl_c_finishes(causal, file):
    process = start(causal, "--pcm-rate", str(RATE), "--partial")
    process.stdin.write(bare(file))
    process.stdin.flush()
    assert process.stdout.readline().startswith(b"partial\t")
    time.sleep(0.5)  # now it waits for more
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.splitlines()[-1] == b"final\t" + text(causal, file).split("\n")[-1].encode()
    assert b"4.3 s of sound" in err
    assert b"Traceback" not in err


def test_ctrl_c_ends_a_microphone_politely(causal, tmp_path):
    (tmp_path / "sounddevice.py").write_text(SOUNDDEVICE)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    process = start(causal, "--microphone", env={**os.environ, "PYTHONPATH": path})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, b"error" in err) == (0, False)
    assert out.strip()
    assert b"1.5 s of sound" in err
