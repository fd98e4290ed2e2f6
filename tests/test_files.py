from __future__ import annotations

import os
from pathlib import Path

import pytest

from audio_rnn.errors import InputError
from audio_rnn.files import files_below


def test_links_are_followed_and_loops_are_left(tmp_path: Path) -> None:
    for name in ("own/b.wav", "own/deep/a.WAV", "own/note.txt", "own/.hidden.wav", "far/c.flac"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    own = tmp_path / "own"
    (own / "linked").symlink_to(tmp_path / "far")
    (own / "deep/up").symlink_to(own)
    (own / "gone.wav").symlink_to(tmp_path / "nothing")
    (own / "again.wav").symlink_to(own / "b.wav")
    (own / "folder.wav").mkdir()
    found = files_below(own, {".wav", ".flac"})
    names = ["again.wav", "b.wav", "deep/a.WAV", "linked/c.flac"]
    assert [path.relative_to(own).as_posix() for path in found] == names
    assert files_below(tmp_path / "nowhere", {".wav"}) == []


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_closed_folder_is_refused_or_reported(tmp_path: Path, mode: int) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "a.wav").touch()
    (tmp_path / "b.wav").touch()
    closed.chmod(mode)
    errors: list[OSError] = []
    if os.access(closed / "a.wav", os.R_OK):
        pytest.skip("root may read everything")
    try:
        with pytest.raises(InputError, match=r"closed.*cannot be read: Permission denied"):
            files_below(tmp_path, {".wav"})
        assert files_below(tmp_path, {".wav"}, errors.append) == [tmp_path / "b.wav"]
    finally:
        closed.chmod(0o700)
    assert [error.filename for error in errors] == [str(closed if mode == 0 else closed / "a.wav")]


def test_a_link_to_nothing_is_reported_to_those_who_ask(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    errors: list[OSError] = []
    assert files_below(tmp_path, {".wav"}, errors.append) == []
    assert [error.filename for error in errors] == [str(tmp_path / "gone.wav")]
