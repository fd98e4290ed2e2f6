"""Recordings with label tracks beside them, and a single one, which is cut into parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.audio import read_audio
from audio_rnn.classes import Classes
from audio_rnn.errors import InputError
from audio_rnn.events import Detection, Event
from audio_rnn.inference.sound_writers import audacity
from audio_rnn.inference.tags import Detections
from recipes.audio_tagging.label_tracks import read_labels
from recipes.audio_tagging.prepare_folder import Options, prepare
from tests.recipes.prepared import files
from tests.recipes.sounds import read_parts
from tests.recipes.test_prepare_sounds_folder import noise

TRACK = "0.250000\t0.750000\tdog, big\n\\\t100.0\t2000.0\n1,0\t1,5\tVo\u0308gel\n"  # NFD
EVENTS = (Event(0.25, 0.75, "dog, big"), Event(1.0, 1.5, "Vögel"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Four labelled recordings of 2 s, in the last of which nothing is heard."""
    for number, name in enumerate("abcd"):
        noise(tmp_path / f"own/{name}.wav", number, 2.0)
        text = "" if name == "d" else TRACK
        (tmp_path / f"own/{name}.txt").write_text(text, encoding="utf-8-sig")
    return tmp_path / "own"


def test_label_tracks_beside_recordings(own: Path, tmp_path: Path) -> None:
    (own / "b.txt").rename(own / "b.labels.txt")
    prepare(Options(own, tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    clips = {clip.id: clip for part in parts.values() for clip in part}
    assert [clips[f"{name}.wav"].events for name in "abcd"] == [EVENTS, EVENTS, EVENTS, ()]
    assert {name: len(part) for name, part in parts.items()} == {"train": 2, "valid": 1, "test": 1}
    assert clips["a.wav"].audio == "source/a.wav"


def test_labelled_recordings_in_splits_and_beside_clips(own: Path, tmp_path: Path) -> None:
    (tmp_path / "splits").mkdir()
    own.rename(tmp_path / "splits/train")
    noise(tmp_path / "splits/train/dog, big/x.wav", 8)
    noise(tmp_path / "splits/test/a.wav", 9, 2.0).with_suffix(".txt").write_text(TRACK)
    prepare(Options(tmp_path / "splits", tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    assert [clip.tags for clip in parts["train"]] == [None] * 4 + [("dog, big",)]
    assert [clip.events for clip in parts["test"]] == [EVENTS]
    noise(tmp_path / "splits/loose.wav", 10)
    with pytest.raises(InputError, match=r"found loose\.wav beside the folders test, train, exp"):
        prepare(Options(tmp_path / "splits", tmp_path / "out"))


def test_labelled_recordings_in_folders_are_no_classes(own: Path, tmp_path: Path) -> None:
    (tmp_path / "all/bark").mkdir(parents=True)
    own.rename(tmp_path / "all/monday")
    for number in range(3):
        clip = noise(tmp_path / f"all/bark/{number}.wav", 20 + number)
        clip.with_suffix(".txt").write_text("recorded by Ann\n")  # no label track
    prepare(Options(tmp_path / "all", tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    clips = {clip.id: clip for part in parts.values() for clip in part}
    assert [clips[f"monday/{name}.wav"].events for name in "abcd"] == [EVENTS, EVENTS, EVENTS, ()]
    assert clips["bark/0.wav"].tags == ("bark",)
    assert [*Classes.load(tmp_path / "out/classes.txt").names] == ["Vögel", "bark", "dog, big"]
    (tmp_path / "all/monday/b.txt").unlink()
    with pytest.raises(InputError, match=r"monday: found label tracks .* none beside b\.wav"):
        prepare(Options(tmp_path / "all", tmp_path / "out"))


def test_what_detect_writes_is_read_back(tmp_path: Path) -> None:
    found = Detections("a.wav", (Detection(0.5, 1.25, "dog, big", 0.9),), 2.0)
    (tmp_path / "a.labels.txt").write_text(audacity(found))
    assert list(read_labels(tmp_path / "a.labels.txt").values()) == [Event(0.5, 1.25, "dog, big")]


def test_a_single_recording_is_cut_so_that_parts_are_held_out(tmp_path: Path, capsys) -> None:
    path = noise(tmp_path / "own/yard.wav", 0, 150.0)
    times = [(3.0 + 10 * n, 5.0 + 10 * n) for n in range(14)] + [(149.0, 150.0)]
    path.with_suffix(".txt").write_text("".join(f"{a}\t{b}\tdog\n" for a, b in times))
    (tmp_path / "own/yard.txt").write_text(path.with_suffix(".txt").read_text() + "29.5\t31\tcat\n")
    prepare(Options(path.parent, tmp_path / "out"))
    assert "one recording: cut into 5 parts" in capsys.readouterr().err
    parts = read_parts(tmp_path / "out")
    assert {name: len(part) for name, part in parts.items()} == {"train": 3, "valid": 1, "test": 1}
    clips = sorted((clip for part in parts.values() for clip in part), key=lambda clip: clip.id)
    assert clips[0].events[-1] == Event(29.5, 30.0, "cat")
    assert clips[1].events[:2] == (Event(0.0, 1.0, "cat"), Event(3.0, 5.0, "dog"))
    sound = [read_audio(tmp_path / "out" / clip.audio, 8000) for clip in clips]
    assert sum(map(len, sound)) == 150 * 8000
    before = files(tmp_path / "out")
    prepare(Options(path.parent, tmp_path / "out"))
    assert files(tmp_path / "out") == before
    with pytest.raises(InputError, match=r"--valid-share 0\.9 and --test-share 0\.15: expected"):
        prepare(Options(path.parent, tmp_path / "out", valid_share=0.9))
    assert files(tmp_path / "out") == before
    prepare(Options(path.parent, tmp_path / "whole", valid_share=0, test_share=0))
    assert [clip.duration for clip in read_parts(tmp_path / "whole")["train"]] == [150.0]
    with pytest.raises(InputError, match=r"own: found the folder of the recording, expected ano"):
        prepare(Options(path.parent, path.parent))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5\t0.5\tdog\n", r"a\.txt:1: found the label 'dog' at one point, 0\.5 s, expected a"),
        ("0.5\t1.0\t\n", r"a\.txt:1: found a label without text"),
        ("0.5\t1.0\n", r"a\.txt:1: found a label without text"),
        ("\n1.0\t0.5\tdog\n", r"a\.txt:2: offset: found 0\.5, expected seconds after the onset"),
        ("-1\t0.5\tdog\n", r"a\.txt:1: onset: found -1\.0, expected seconds, 0 or more"),
        ("0.5\t9\tdog\n", r"a\.txt:1: found 'dog' from 0\.5 to 9 s, expected .* 2 s of .*a\.wav"),
        ("a dog barks\n", r"a\.txt:1: found 'a dog barks', expected onset, offset and label"),
        (b"\xff\xfe", r"a\.txt: cannot be read: .*; expected labels as Audacity exports them"),
    ],
)
def test_bad_label_tracks(own: Path, tmp_path: Path, text: str | bytes, message: str) -> None:
    (own / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        prepare(Options(own, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_recordings_with_no_labels_or_two_tracks_are_named(own: Path, tmp_path: Path) -> None:
    (own / "b.labels.txt").write_text(TRACK)
    with pytest.raises(InputError, match=r"b\.wav: found b\.txt and b\.labels\.txt beside it"):
        prepare(Options(own, tmp_path / "out"))
    (own / "b.labels.txt").unlink()
    (own / "c.txt").unlink()
    with pytest.raises(InputError, match=r"found the files c\.wav; .* labels that Audacity exp"):
        prepare(Options(own, tmp_path / "out"))


def test_a_folder_of_negatives_must_be_there(own: Path, tmp_path: Path) -> None:
    noise(own / "dog, big/x.wav", 11)
    with pytest.raises(InputError, match=r"--negatives othr: found the folders dog, big in"):
        prepare(Options(own, tmp_path / "out", negatives="othr"))
