"""Where outputs go, and that nothing is lost there."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.inference import Transcriber
from tests.small_model import save_small_model, write_sounds


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("run"))


@pytest.fixture
def run(model, capsys):
    """Transcribe in this process: (exit status, standard error)."""

    def call(*arguments: object) -> tuple[int, str]:
        status = main(["transcribe", "--model", str(model), *map(str, arguments)])
        return status, capsys.readouterr().err

    return call


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_exists_is_refused_before_any_work_and_replaced_when_asked(run, model, tmp_path):
    own = tmp_path / "own"
    paths = write_sounds(own, 0.5, 0.6, 0.7)
    for path in paths[1:]:
        path.with_suffix(".txt").write_text("what was said")
    status, err = run(own, "--output", own, "--format", "srt", "txt")
    assert status == 1
    assert err == (
        f"error: --output: found 2 of 6 files written already, the first {own}/sound1.txt, "
        "expected none; choose another folder, or replace them by --overwrite\n"
    )
    assert not list(own.glob("*.srt"))
    assert [path.with_suffix(".txt").exists() for path in paths] == [False, True, True]
    assert paths[1].with_suffix(".txt").read_text() == "what was said"
    status, _ = run(own, "--output", own, "--overwrite")
    text = Transcriber.load(model, "cpu").transcribe(paths[1]).text
    assert (status, paths[1].with_suffix(".txt").read_text()) == (0, text + "\n")


def test_a_link_to_nothing_is_not_replaced(run, tmp_path):
    path = write_sounds(tmp_path, 0.5)[0]
    (tmp_path / "sound0.txt").symlink_to(tmp_path / "elsewhere.txt")
    status, err = run(path, "--output", tmp_path)
    assert status == 1 and "found 1 of 1 files written already" in err


def test_a_folder_keeps_its_sub_folders_whatever_else_is_named(run, model, tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    theo, george = (write_sounds(corpus / name, 0.5)[0] for name in ("theo", "george"))
    single = write_sounds(tmp_path / "x", 0.7)[0]
    assert run(corpus, single, "--output", out)[0] == 0
    texts = [t.text + "\n" for t in Transcriber.load(model).transcribe_many([theo, george, single])]
    places = ["theo/sound0.txt", "george/sound0.txt", "sound0.txt"]
    assert files_in(out) == dict(zip(places, texts))


def test_two_inputs_of_one_name_are_refused_before_any_work(run, tmp_path):
    one, two = (write_sounds(tmp_path / name, 0.5)[0] for name in "xy")
    out = tmp_path / "out"
    status, err = run(one, two, "--output", out)
    assert (status, out.exists()) == (1, False)
    assert err.startswith(f"error: --output: found one output name, {out}/sound0, for {one} and ")
    assert f"{two}; write them into different folders" in err
    assert run(one, two)[0] == 0  # on standard output each has its whole name


def test_a_failure_among_inputs_leaves_the_others_done(run, tmp_path):
    path = write_sounds(tmp_path / "in", 0.5)[0]
    (tmp_path / "in/talk.m4a").touch()
    (tmp_path / "empty").mkdir()
    status, err = run(
        tmp_path / "empty", tmp_path / "in", "none*.wav", "--output", tmp_path / "out"
    )
    assert status == 1
    assert files_in(tmp_path / "out").keys() == {"sound0.txt"}
    failures = [line.split(": ")[1] for line in err.splitlines() if line.startswith("failed: ")]
    assert failures == [f"{tmp_path}/empty", f"{tmp_path}/in/talk.m4a", "none*.wav"]
    assert err.splitlines()[-1].startswith("1 transcribed, 3 failed")
    assert path.exists()


def test_a_sub_folder_that_cannot_be_made_is_named_before_any_work(run, tmp_path):
    write_sounds(tmp_path / "in/a", 0.5)
    write_sounds(tmp_path / "in/b", 0.5)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b").write_text("in the way")
    status, err = run(tmp_path / "in", "--output", tmp_path / "out")
    assert status == 1 and f"{tmp_path}/out/b: no folder can be made here" in err
    assert files_in(tmp_path / "out") == {"b": "in the way"}
