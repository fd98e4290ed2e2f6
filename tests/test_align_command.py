"""`audio-rnn align`: what goes in, what comes out, and every way it can end."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.cli.align import Options
from audio_rnn.decoding.alignment.text import DOUBTFUL
from audio_rnn.inference.aligner import Aligner
from audio_rnn.inference.alignment_writers import ALIGNMENT_WRITERS
from tests.inference.test_aligner import heard_lines, save_reader
from tests.small_model import write_sounds


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_reader(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    [path] = write_sounds(tmp_path_factory.mktemp("audio"), 20.0)
    return path


@pytest.fixture(scope="module")
def lines(model, talk) -> list[str]:
    return heard_lines(Aligner.load(model, device="cpu"), talk)


@pytest.fixture
def text(tmp_path, lines) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def run(model, capsys):
    """Align in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main(["align", "--model", str(model), *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def test_one_line_for_each_utterance(run, talk, text, lines):
    status, out, err = run(talk, text)
    assert status == 0
    assert [row.split(" ", 5)[5] for row in out.splitlines()] == lines
    summary = f"{len(lines)} utterances aligned, 0 dropped, 0 stretches of speech without text"
    assert err.startswith(summary)


def test_all_formats_into_a_folder_that_is_not_overwritten(run, talk, text, tmp_path):
    folder = tmp_path / "out"
    arguments = (talk, text, "--output", folder, "--format", *ALIGNMENT_WRITERS)
    status, out, _ = run(*arguments)
    assert (status, out) == (0, "")
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        f"sound0.{n}" for n in ALIGNMENT_WRITERS
    )
    status, _, err = run(*arguments)
    assert (status, err.split(",")[0]) == (1, f"error: --output: found {folder}/sound0.segments")
    assert run(*arguments, "--overwrite")[0] == 0


def test_several_formats_on_standard_output_are_told_apart(run, talk, text):
    _, out, _ = run(talk, text, "--format", "segments", "ctm")
    assert out.startswith(f"==> {talk} (segments) <==\n")
    assert f"\n==> {talk} (ctm) <==\nsound0 1 " in out


def test_what_does_not_fit_is_dropped_and_named(run, talk, text, lines):
    wrong = "babd acad " * 6
    text.write_text("\n".join([lines[0], wrong, *lines[2:]]))
    status, out, err = run(talk, text, "--format", "json")
    assert status == 0
    assert [u["line"] for u in json.loads(out)["utterances"]] == [1, *range(3, len(lines) + 1)]
    dropped, gap, summary = err.splitlines()
    assert dropped.startswith("dropped: line 2: ")
    assert dropped.endswith(wrong.strip())
    assert gap.startswith("gap: ")
    assert "speech without text, heard as: " in gap
    assert f"{len(lines) - 1} utterances aligned, 1 dropped, 1 stretches" in summary


def test_nothing_left_is_a_failure(run, talk):
    status, out, err = run(talk, "--text", "babd acad " * 6)
    assert (status, out) == (1, "")
    assert "0 utterances aligned, 1 dropped" in err
    status, out, _ = run(talk, "--text", "babd acad " * 6, "--threshold", "0")
    assert (status, out.count("\n")) == (0, 1)


def test_standard_input(run, talk, text, monkeypatch):
    expected = run(talk, text)[1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(talk.read_bytes())))
    status, out, _ = run("-", text)
    assert status == 0
    assert [row.split()[2:] for row in out.splitlines()] == [
        row.split()[2:] for row in expected.splitlines()
    ]


def test_a_picture(run, talk, text, tmp_path):
    picture = tmp_path / "picture.png"
    assert run(talk, text, "--plot", picture, "--plot-from", 5, "--plot-to", 8)[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, out, err = run(talk, text, "--plot", picture, "--plot-from", 50)
    assert (status, bool(out)) == (1, True)
    assert "error: --plot-from: found 50 s, expected less than the 20.0 s of" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "text: found none, expected a text file or --text; name the file after"),
        (("{text}", "--text", "a"), "--text: found 'a', expected none beside the text file"),
        (("--text", "a", "--threshold", "1.5"), "--threshold: found 1.5, expected 0 to 1"),
        (("--text", "a", "--threshold", "nan"), "--threshold: found nan, expected 0 to 1"),
        (("--text", "a", "--format"), "--format: found (), expected one or more formats"),
        (("--text", "a b", "--plot", "x.wav"), "--plot: found 'x.wav', expected a name that ends"),
        (("--text", "a", "--plot", "no/x.png"), "--plot: found no folder no; make it first"),
        (("--text", "a", "--plot-from", "5", "--plot-to", "5"), "--plot-from: found (5.0, 5.0)"),
        (("--text", "a", "--plot-from", "-1"), "--plot-from: found (-1.0, None)"),
        (("--text", "be 2"), "--text: line 1: found '2' in '2', which this model cannot spell"),
        (("--text", " "), "--text: found no text, expected one utterance a line"),
        (("none.txt",), "none.txt: cannot be read: No such file or directory; expected a text"),
        (("{talk}",), "expected text in UTF-8; the audio comes first, then its text"),
        (("--text", "a", "--channel", "3"), "found no channel 3"),
    ],
)
def test_mistakes_are_one_line(run, talk, text, arguments, message):
    given = [a.format(text=text, talk=talk) for a in arguments]
    status, out, err = run(talk, *given)
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_audio_that_cannot_be_used_is_named(run, tmp_path, text):
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    for path, message in (
        (broken, "found no audio format"),
        (tmp_path / "no.wav", "cannot be read"),
    ):
        status, _, err = run(path, text)
        assert status == 1
        assert err.startswith(f"error: {path}: {message}")


def test_the_threshold_is_the_one_that_was_measured():
    defaults = {field.name: field.default for field in dataclasses.fields(Options)}
    assert defaults["threshold"] == DOUBTFUL
