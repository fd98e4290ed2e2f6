"""Streams of sounds: the events of the file in whatever blocks samples come, in flat memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.errors import ConfigError
from audio_rnn.events import Detection
from audio_rnn.features import FeatureConfig
from audio_rnn.inference.ear import StreamConfig
from audio_rnn.inference.sound_stream import Sighting, SoundStream
from audio_rnn.inference.tagger import Tagger
from tests.inference.test_stream import blocks, size
from tests.small_model import RATE, sound
from tests.small_tagger import small_tagger


def listen(stream: SoundStream, pieces: list[np.ndarray]) -> list[Sighting]:
    heard = [sighting for piece in pieces for sighting in stream.feed(piece)]
    return heard + stream.finish()


def finals(heard: list[Sighting]) -> list[Detection]:
    return [sighting.event for sighting in heard if sighting.final]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """Digital silence, then sounds, and a length that fits no frame."""
    path = tmp_path_factory.mktemp("audio") / "scene.wav"
    rest = np.zeros(int(1.3 * RATE), np.float32)
    parts = [rest, sound(4.0, 1), rest, sound(6.3, 2), sound(0.4, 3)[:-77]]
    write_audio(path, np.concatenate(parts), RATE)
    return path


@pytest.mark.parametrize("chunk", [None, 0.04, 1.0])
def test_the_events_of_a_stream_are_those_of_the_file(scene, chunk):
    model = small_tagger(bidirectional=False)
    expected = Tagger(model, "cpu").detect(scene).events
    assert len(expected) > 10
    signal = read_audio(scene, RATE)
    for seed in range(2):
        stream = SoundStream(model, config=StreamConfig(chunk))
        same(finals(listen(stream, blocks(signal, seed))), expected)


@settings(max_examples=10)
@given(st.lists(st.integers(1, 4 * RATE - 1), max_size=6))
def test_however_it_is_cut(cuts):
    model, signal = small_tagger(bidirectional=False), sound(4.0, 5)
    whole = finals(listen(SoundStream(model), [signal]))
    assert finals(listen(SoundStream(model), np.split(signal, sorted(cuts)))) == whole


def same(found: list[Detection], expected: tuple[Detection, ...]) -> None:
    found = sorted(found)
    assert [(e.onset, e.offset, e.label) for e in found] == [
        (e.onset, e.offset, e.label) for e in expected
    ]
    assert [e.score for e in found] == pytest.approx([e.score for e in expected], abs=2e-4)


def test_two_directions_do_not_depend_on_the_blocks_and_with_all_the_future_are_the_file(scene):
    model, signal = small_tagger(), read_audio(scene, RATE)
    expected = listen(SoundStream(model), [signal])
    assert len(finals(expected)) > 10
    assert expected == listen(SoundStream(model), blocks(signal, 0))
    patient = SoundStream(model, config=StreamConfig(0.5, 60.0))
    same(finals(listen(patient, blocks(signal, 1))), Tagger(model, "cpu").detect(scene).events)


def test_an_event_is_told_once_when_it_begins_and_once_when_it_ends(scene):
    stream, news = SoundStream(small_tagger(bidirectional=False)), []
    for number, piece in enumerate(np.split(read_audio(scene, RATE), range(800, 212_800, 800))):
        news += [((number + 1) * 0.05, sighting) for sighting in stream.feed(piece)]
    news += [(np.inf, sighting) for sighting in stream.finish()]
    begun = [(s.event.onset, s.event.label) for _, s in news if not s.final]
    ended = [(s.event.onset, s.event.label) for _, s in news if s.final]
    assert len(begun) > 5
    assert len(set(begun)) == len(begun)
    assert set(begun) <= set(ended)
    for when, sighting in news:
        known = sighting.event.offset if sighting.final else sighting.event.onset
        assert when == np.inf or known <= when <= known + stream.latency + 0.06


def test_memory_is_flat():
    stream, loud = SoundStream(small_tagger(bidirectional=False)), sound(30.0)
    sizes = []
    for _ in range(4):
        stream.feed(loud)
        sizes.append(size(stream))
    assert abs(sizes[-1] - sizes[0]) < 4 * RATE


def test_no_sound_at_all_gives_nothing():
    assert SoundStream(small_tagger(bidirectional=False)).finish() == []


def test_what_cannot_be_streamed_is_refused():
    features = FeatureConfig(kind="log_mel", n_mels=16, deltas=0, normalization="utterance")
    with pytest.raises(ConfigError, match=r"normalization utterance.*expected normalization none"):
        SoundStream(small_tagger(bidirectional=False, features=features))
    with pytest.raises(ConfigError, match=r"right_seconds: found 1\.0, expected none for a model"):
        SoundStream(small_tagger(bidirectional=False), config=StreamConfig(right_seconds=1.0))
