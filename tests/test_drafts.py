"""What is written takes the place of a file at once, or leaves it."""

from __future__ import annotations

import os

import pytest

from audio_rnn.drafts import replacing


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.arpa"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised, replacing(path) as file:
        file.write(b"new")
    assert raised.value.filename == str(path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("model.arpa", b"old")]


def test_an_interrupted_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half of")
        raise KeyboardInterrupt
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def test_what_is_written_whole_takes_the_place(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"new"]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "a"
    path.symlink_to("folder/b")
    with replacing(path) as file:
        file.write(b"new")
    assert path.is_symlink()
    assert [one.read_bytes() for one in (tmp_path / "folder").iterdir()] == [b"new"]


def test_a_pipe_or_device_is_refused_and_stays(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="this is a device or pipe"), replacing(path) as file:
        file.write(b"new")
    assert [one.is_fifo() for one in tmp_path.iterdir()] == [True]
