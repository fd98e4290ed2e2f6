"""Whatever decoding is given that it cannot use is named, and the exit status is 1."""

from __future__ import annotations

import gzip
import io
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from audio_rnn.__main__ import main
from audio_rnn.audio import write_audio
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.models.folder import write_model
from audio_rnn.models.speech import SpeechModel
from tests.small_model import RATE, causal_model, save_small_model, sound

TEXTS = ["abc def", "def abc ghi", "abc ghi", "ghi def def"]
FILES = {
    "empty.txt": "",
    "foreign.txt": "abc\nxyz\n",
    "half.txt": "abc a b c\ndef\n",
    "other.txt": "abc a b c\nxyz x y z\n",
    "boost.txt": "abc\tmuch\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model, and what it cannot be used with."""
    folder = tmp_path_factory.mktemp("bad")
    save_small_model(folder / "run", causal_model("none"))
    save_small_model(folder / "both")
    write_audio(folder / "sound.wav", sound(2.0), RATE)
    write_audio(folder / "long.wav", sound(30.0), RATE)
    train(TEXTS, order=2).save(folder / "lm.arpa")
    text = (folder / "lm.arpa").read_text()
    (folder / "short.arpa").write_text(text[: len(text) // 2])
    (folder / "short.arpa.gz").write_bytes(gzip.compress(text.encode())[:-20])
    (folder / "counts.arpa").write_text(text.replace("ngram 1=", "ngram 1=1"))
    train(["XYZ UVW", "UVW"], order=1).save(folder / "other.arpa")
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    broken = SpeechModel(causal_model("none").config, causal_model("none").vocabulary)
    with torch.no_grad():
        broken.acoustic.output.bias[1] = float("nan")
    write_model(folder / "nan/model", broken, broken.describe())
    return folder


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """What standard error says of a command that fails, nothing having been transcribed."""
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize("command", [["transcribe"], ["transcribe", "--stream"]])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--lm short.arpa", "short.arpa:"),
        ("--lm short.arpa.gz", "short.arpa.gz: cannot be read"),
        ("--lm no.arpa", "no.arpa: cannot be read: No such file or directory; expected an ARPA"),
        ("--lm run", "run: cannot be read: Is a directory; expected an ARPA file"),
        ("--lm counts.arpa", "counts.arpa:"),
        ("--lm other.arpa", "error: other.arpa: language model: found 0 of 2 words"),
        ("--lm sound.wav", "found no line \\data\\"),
        ("--neural-lm both", "both: found a model of kind 'speech', expected 'sequence'"),
        ("--neural-lm lm.arpa", "lm.arpa: found a file; expected the run folder"),
        ("--rescorer nowhere", "nowhere: no such folder; expected the run folder"),
        ("--lexicon foreign.txt", "error: foreign.txt: lexicon: word 'xyz': 'x' is not among"),
        ("--lexicon half.txt", "half.txt: entry 2: found 'def' by itself"),
        (
            "--lexicon other.txt",
            "error: other.txt: lexicon: word 'xyz': found symbol 'x', expected those",
        ),
        ("--lexicon empty.txt", "empty.txt: found no word, expected one a line"),
        ("--hotwords-from empty.txt", "empty.txt: found no hotword"),
        ("--hotwords-from boost.txt", "'abc': found boost 'much', expected a number"),
        ("--hotwords xyz", "hotword 'xyz': word 'xyz': 'x' is not among"),
        ("--hotwords abc --hotword-boost nan", "found boost nan, expected a number"),
        ("--beam-width 0", "beam_width: found 0, expected 1 or more"),
        ("--lm lm.arpa --lm-weight nan", "lm_weight: found nan, expected a finite number"),
        ("--hotwords abc --hotword-boost 1000", "found 1000 nats that a symbol can earn at once"),
        ("--lm lm.arpa --word-bonus 800", "nats that a symbol can earn at once, expected 500"),
        ("--lm lm.arpa --lm-weight -1", "lm_weight: found -1.0, expected 0 or more"),
        ("--lm lm.arpa --unknown-cost -1", "unknown_cost: found -1.0, expected 0 or more"),
        ("--lm lm.arpa --letter-cost -1", "letter_cost: found -1.0, expected 0 or more"),
        ("--letter-cost 1", "letter_cost: found 1.0 without anything that it counts for"),
        ("--lm-weight 2", "lm_weight: found 2.0 without anything that it counts for"),
        ("--hotword-boost 2", "found 2.0 without anything that it counts for, expected --hotwords"),
        ("--hotwords abc --word-bonus 1", "expected --lm, --neural-lm or --rescorer"),
        ("--lm lm.arpa --rescorer-weight 1", "expected --rescorer; give it"),
        ("--lm lm.arpa --neural-weight -1", "neural_weight: found -1.0 without anything"),
    ],
)
def test_bad_options_are_named(folder, monkeypatch, capsys, command, options, message):
    monkeypatch.chdir(folder)
    arguments = [*command, "sound.wav", "--model", "run", *options.split()]
    assert message in refused(capsys, arguments)


@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_hotword_is_named(folder, capsys, word):
    arguments = ["transcribe", f"{folder / 'sound.wav'}", "--model", f"{folder / 'run'}"]
    told = refused(capsys, [*arguments, "--hotwords", word])
    assert f"hotword: found {word!r}, expected a word or a phrase" in told


@pytest.mark.parametrize("options", [[], ["--beam-width", "5"]])
@pytest.mark.parametrize("command", ["transcribe", "transcribe --stream", "align --text abc"])
def test_a_model_that_gives_nan_is_named(folder, capsys, command, options):
    options = [] if "align" in command else options
    name = ["--model", f"{folder / 'nan'}", f"{folder / 'sound.wav'}"]
    told = refused(capsys, [*command.split(), *name, *options])
    assert "found NaN at step 0, expected logarithms; is the model broken?" in told


def test_a_text_that_is_too_long_is_named(folder, capsys):
    words = " ".join(["abc def ghi"] * 40)
    name = [f"{folder / 'sound.wav'}", "--model", f"{folder / 'run'}"]
    assert "at the very least" in refused(capsys, ["align", *name, "--text", words])


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may have more than 50 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_named_and_other_files_are_done(folder, capsys, small_files):
    files = [f"{folder / name}" for name in ("long.wav", "sound.wav")]
    options = ["--model", f"{folder / 'both'}", "--batch-seconds", "5"]
    assert main(["transcribe", *files, *options]) == 1
    printed = capsys.readouterr()
    assert "sound.wav" in printed.out and "long.wav" not in printed.out
    assert "long.wav: temporary file: File too large after 0 MB" in printed.err
    assert "1 transcribed, 1 failed" in printed.err


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda data: data[:-1001], [], "truncated: found"),
        (lambda data: data + data, [], "found a WAV header after 2.000 s"),
        (lambda data: data[44:-1], ["--pcm-rate", f"{RATE}"], "ends in the middle of a sample"),
    ],
    ids=["truncated", "another sound", "half a sample"],
)
def test_what_a_broken_stream_has_said_is_written(
    folder, monkeypatch, capsys, change, options, message
):
    data = change((folder / "sound.wav").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    model = ["--model", f"{folder / 'run'}", "--lm", f"{folder / 'lm.arpa'}"]
    assert main(["transcribe", "--stream", *model, *options]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out.strip()
