"""Clips: what is heard in them, parts of long ones, batches."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.audio import read_audio, read_excerpt, write_audio
from audio_rnn.classes import Classes
from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.clips import Clip, ClipDataset, check_clips, cut, without_events
from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.errors import ManifestError, VocabularyError
from audio_rnn.events import Event, merged

RATE = 8000
NAMES = ("a, b", "c/d", "雨")
CLASSES = Classes(NAMES)
EVENTS = (Event(0.5, 1.5, "雨"), Event(1.0, 2.25, "雨"), Event(2.9, 3.1, "a, b"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, seconds in (("short", 0.1), ("long", 4.0), ("middle", 1.0)):
        noise = random.standard_normal(round(seconds * RATE)).astype(np.float32) * 0.1
        write_audio(tmp_path / f"{name}.wav", noise, RATE)
    return tmp_path


def clips() -> list[Utterance]:
    return [
        Utterance("short", 0.1, audio="short.wav", tags=("c/d",)),
        Utterance("long", 4.0, audio="long.wav", events=EVENTS),
        Utterance("middle", 1.0, audio="middle.wav", tags=()),
    ]


def test_manifests_of_events_come_back(folder: Path) -> None:
    write_manifest(folder / "train.jsonl", clips())
    assert read_manifest(folder / "train.jsonl") == clips()
    assert [u.labels for u in clips()] == [("c/d",), ("a, b", "雨"), ()]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ('{"onset": -0.5, "offset": 1, "label": "x"}', "onset: found -0.5, expected seconds"),
        ('{"onset": 1.0, "offset": 0.5, "label": "x"}', "offset: found 0.5, expected seconds after"),
        ('{"onset": 0.5, "offset": 1.5, "label": "x"}', "found 'x' until 1.5 s, expected an end"),
        ('{"onset": 0.5, "offst": 0.7, "label": "x"}', "unknown field 'offst'"),
    ],
)  # fmt: skip
def test_a_bad_event_is_named_by_file_and_line(folder: Path, event: str, message: str) -> None:
    path = folder / "train.jsonl"
    path.write_text(f'{{"id": "m", "audio": "middle.wav", "duration": 1.0, "events": [{event}]}}\n')
    with pytest.raises(ManifestError, match=f"train.jsonl:1.*{message}"):
        read_manifest(path)


def test_events_of_a_class_that_overlap_are_one() -> None:
    assert merged(EVENTS) == [Event(0.5, 2.25, "雨"), Event(2.9, 3.1, "a, b")]


def test_batches_hold_what_is_heard(folder: Path) -> None:
    dataset = ClipDataset(folder, cut(clips(), 30.0), CLASSES, RATE)
    (batch,) = Batches(dataset, BatchConfig(100.0)).epoch(0)
    assert batch.ids == ["short", "middle", "long"]
    assert batch.lengths.tolist() == [800, 8000, 32000]
    assert batch.tags.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert batch.timed.tolist() == [False, False, True]
    expected = [[2, 2, 0.5, 2.25], [2, 0, 2.9, 3.1]]
    torch.testing.assert_close(batch.events, torch.tensor(expected))


def test_a_long_recording_is_cut_into_parts_with_their_own_events(folder: Path) -> None:
    parts = cut(clips(), 1.5)
    assert [(c.utterance.id, round(c.seconds, 3)) for c in parts] == [
        ("short", 0.1), *[("long", 1.333)] * 3, ("middle", 1.0),
    ]  # fmt: skip
    assert [[(round(e.onset, 3), round(e.offset, 3), e.label) for e in c.events] for c in parts[1:4]] == [
        [(0.5, 1.333, "雨")],
        [(0.0, 0.917, "雨")],
        [(0.233, 0.433, "a, b")],
    ]  # fmt: skip
    assert [c.labels for c in parts[1:4]] == [("雨",), ("雨",), ("a, b",)]
    dataset = ClipDataset(folder, parts, CLASSES, RATE)
    whole = read_audio(folder / "long.wav", RATE)
    joined = np.concatenate([dataset[n].inputs for n in (1, 2, 3)])
    np.testing.assert_array_equal(joined, whole)


def test_parts_without_known_events_have_all_tags(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        parts = cut(without_events(clips()), 1.5)
    assert {c.labels for c in parts[1:4]} == {("a, b", "雨")}
    assert "cut into parts, each with all tags of the whole: long" in caplog.text


def test_an_excerpt_is_a_part_of_the_whole(folder: Path) -> None:
    whole = read_audio(folder / "long.wav", 16000)
    part = read_excerpt(folder / "long.wav", 16000, 1.25, 0.5)
    np.testing.assert_array_equal(part, whole[20000:28000])


def test_what_nothing_is_said_of_and_unknown_classes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    silent = Utterance("q", 1.0, audio="q.wav")
    with pytest.raises(ManifestError, match="'q' has neither tags nor events"):
        check_clips([silent], CLASSES, path)
    unknown = Utterance("q", 1.0, audio="q.wav", tags=("c/e",))
    with pytest.raises(ManifestError, match=r"'q': found class 'c/e'.*did you mean 'c/d'"):
        check_clips([unknown], CLASSES, path)
    hidden = Utterance("q", 1.0, audio="q.wav", tags=("c/d",), events=(Event(0, 1, "zebra"),))
    with pytest.raises(ManifestError, match="'q': found class 'zebra'"):
        check_clips([hidden], CLASSES, path)


def test_classes_come_back(tmp_path: Path) -> None:
    CLASSES.save(tmp_path / "classes.txt")
    assert Classes.load(tmp_path / "classes.txt") == CLASSES
    assert Classes.of(["b", "a", "b"]).names == ("a", "b")


@pytest.mark.parametrize("names", [(), ("a", "a"), ("",), (" a",), ("a\nb",)])
def test_names_that_no_class_can_have_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(VocabularyError):
        Classes(names)


def test_a_part_knows_its_place() -> None:
    clip = Clip(clips()[1], 1.0, 2.0)
    assert clip.events == [Event(0.0, 1.25, "雨"), Event(1.9, 2.0, "a, b")]


def test_sound_is_kept_while_there_is_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clip of 4 s does not fit, that of 0.1 s does."""
    monkeypatch.setattr("audio_rnn.data.clips.KEPT", 10_000)
    dataset = ClipDataset(folder, cut(clips(), 10.0), CLASSES, RATE)
    first = [dataset[n].inputs for n in (0, 1)]
    for n in (0, 1):
        np.testing.assert_array_equal(dataset[n].inputs, first[n])
    assert dataset[0].inputs is first[0]
    assert dataset[1].inputs is not first[1]
