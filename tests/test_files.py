from __future__ import annotations

from pathlib import Path

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
