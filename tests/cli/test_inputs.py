"""What names mean: files, folders, patterns, lists; and what is known to be no recording."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audio_rnn.cli.inputs import Inputs, collect
from audio_rnn.errors import InputError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(inputs: Inputs) -> dict[str, str]:
    """Source -> place of the output."""
    return {str(item.source): str(item.place) for item in inputs.recordings}


def reasons(inputs: Inputs) -> dict[str, str]:
    return {failure.path: failure.reason for failure in inputs.failures}


def test_the_place_of_an_output_depends_on_its_own_input_alone(tmp_path, monkeypatch):
    touch(tmp_path, "fsdd/theo/1_1.flac", "fsdd/george/1_1.wav", "fsdd/0.1.wav", "other/1_1.wav")
    monkeypatch.chdir(tmp_path)
    named = ["fsdd", "other", "other/../fsdd/theo"]
    alone = {
        "fsdd": {
            "fsdd/0.1.wav": "0.1",
            "fsdd/george/1_1.wav": "george/1_1",
            "fsdd/theo/1_1.flac": "theo/1_1",
        },
        "fsdd/theo": {"fsdd/theo/1_1.flac": "1_1"},
        "fsdd/*/*.flac": {"fsdd/theo/1_1.flac": "1_1"},
        "fsdd/th*": {"fsdd/theo/1_1.flac": "1_1"},
        "other/1_1.wav": {"other/1_1.wav": "1_1"},
        "none/1.2.wav": {"none/1.2.wav": "1.2"},
    }
    for name, expected in alone.items():
        assert found(collect([name], None)) == expected
    assert found(collect(named, None)) == alone["fsdd"] | alone["other/1_1.wav"]


def test_an_input_that_gives_nothing_is_one_failure_and_the_others_are_kept(tmp_path, monkeypatch):
    touch(tmp_path, "a.wav", "empty/notes.txt", "full/b.wav")
    (tmp_path / "list.txt").write_text("missing.wav\nnone[0-9].wav\nfull\n")
    monkeypatch.chdir(tmp_path)
    inputs = collect(["a.wav", "empty", "no*.wav", "a**b.wav", "x" * 300], Path("list.txt"))
    assert list(found(inputs)) == ["a.wav", "x" * 300, "missing.wav", "full/b.wav"]
    assert list(reasons(inputs)) == ["empty", "no*.wav", "a**b.wav", "none[0-9].wav"]
    assert reasons(inputs)["empty"].startswith("found no audio in this folder, expected")
    for name in ("no*.wav", "none[0-9].wav"):
        assert reasons(inputs)[name].startswith("found no file of this name or pattern")
    assert reasons(inputs)["a**b.wav"].startswith("not a pattern: ")


def test_a_name_with_brackets_is_a_file_when_there_is_one(tmp_path):
    touch(tmp_path, "take[1].wav", "take1.wav")
    name = f"{tmp_path}/take[1].wav"
    assert found(collect([name], None)) == {name: "take[1]"}


def test_sound_in_other_formats_is_a_failure_until_it_is_converted(tmp_path):
    names = ("talk.m4a", "sub/film.MP4", "done.webm", "done.flac", "notes.txt", "cover.jpg")
    touch(tmp_path, *names)
    inputs = collect([str(tmp_path)], None)
    assert list(found(inputs)) == [f"{tmp_path}/done.flac"]
    assert set(reasons(inputs)) == {f"{tmp_path}/sub/film.MP4", f"{tmp_path}/talk.m4a"}
    reason = reasons(inputs)[f"{tmp_path}/talk.m4a"]
    assert reason.startswith("found .m4a, expected .wav, .flac,")
    assert reason.endswith("; convert it, such as with ffmpeg -i talk.m4a talk.flac")


def test_a_folder_that_cannot_be_listed_is_a_failure(tmp_path, monkeypatch):
    touch(tmp_path, "closed/a.wav", "open/b.wav")
    scandir = os.scandir

    def guarded(place: str) -> object:
        if place.endswith("closed"):
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    inputs = collect([str(tmp_path)], None)
    assert list(found(inputs)) == [f"{tmp_path}/open/b.wav"]
    closed = "cannot be read: Permission denied; check permissions"
    assert reasons(inputs) == {f"{tmp_path}/closed": closed}


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_permissions_that_close_a_folder_are_a_failure(tmp_path, mode):
    touch(tmp_path, "closed/a.wav", "open/b.wav")
    closed = tmp_path / "closed"
    closed.chmod(mode)
    try:
        if os.access(closed / "a.wav", os.R_OK):
            pytest.skip("root may read everything")
        inside = collect([str(tmp_path)], None)
        itself = collect([str(closed), str(closed / "a.wav"), f"{closed}/*.wav"], None)
    finally:
        closed.chmod(0o700)
    assert list(found(inside)) == [f"{tmp_path}/open/b.wav"]
    assert list(reasons(inside)) == [str(closed) if mode == 0 else f"{closed}/a.wav"]
    assert "Permission denied" in next(iter(reasons(itself).values()))


def test_a_link_to_nothing_in_a_folder_is_a_failure(tmp_path):
    touch(tmp_path, "a.wav")
    (tmp_path / "gone.wav").symlink_to("nowhere.wav")
    inputs = collect([str(tmp_path)], None)
    assert list(found(inputs)) == [f"{tmp_path}/a.wav"]
    assert reasons(inputs)[f"{tmp_path}/gone.wav"].endswith("; a link to nothing")


def test_nothing_at_all_is_refused(tmp_path):
    for names in ([], [""], ["a.wav", ""]):
        with pytest.raises(InputError, match=r"^inputs: found"):
            collect(names, None)
