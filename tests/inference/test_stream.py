"""Streams: the text of the file in whatever blocks the samples come, on time, in flat memory."""

from __future__ import annotations

import gc
import math
import sys
from itertools import pairwise
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
import torch

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding import greedy
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.errors import ConfigError
from audio_rnn.features import FeatureConfig
from audio_rnn.inference.ear import StreamConfig
from audio_rnn.inference.stream import Segment, SpeechStream
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.models.speech import SpeechModel
from tests.small_model import RATE, causal_model, small_model, sound

SLIDING = FeatureConfig(normalization="sliding")


def make(model: SpeechModel, **options: float) -> SpeechStream:
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    return SpeechStream(model, decoder, StreamConfig(**options))


def listen(stream: SpeechStream, blocks: list[np.ndarray]) -> list[Segment]:
    heard = [segment for block in blocks for segment in stream.feed(block)]
    return heard + stream.finish()


def finals(segments: list[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.final]


def blocks(signal: np.ndarray, seed: int) -> list[np.ndarray]:
    """From single samples to seconds."""
    random = np.random.default_rng(seed)
    sizes = np.exp(random.uniform(0, 10, 400)).astype(int)
    return np.split(signal, np.unique(np.minimum(sizes.cumsum(), len(signal))))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Random networks hardly pause."""
    monkeypatch.setattr(greedy, "PAUSE", 0.06)
    monkeypatch.setattr(greedy, "LONGEST", 1.0)


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Sound with pauses, as much silence before it, and a length that fits no frame."""
    path = tmp_path_factory.mktemp("audio") / "speech.wav"
    rest = np.zeros(int(1.7 * RATE), np.float32)
    parts = [rest, sound(2.0, 1), rest, sound(6.3, 2), rest, rest, sound(0.4, 3)[:-77]]
    write_audio(path, np.concatenate(parts), RATE)
    return path


@pytest.mark.parametrize("normalization", ["none", "global", "sliding"])
@pytest.mark.parametrize("chunk", [None, 0.06, 1.0])
def test_the_text_of_a_stream_is_the_text_of_the_file(speech, normalization, chunk):
    model = causal_model(normalization)
    expected = Transcriber(model, device="cpu").transcribe(speech)
    assert len(expected.words) > 1
    signal = read_audio(speech, RATE)
    for seed in range(2):
        heard = finals(listen(make(model, chunk_seconds=chunk), blocks(signal, seed)))
        assert " ".join(segment.text for segment in heard) == expected.text
        words = [word for segment in heard for word in segment.words]
        assert [(w.text, w.start, w.end) for w in words] == [
            (w.text, w.start, w.end) for w in expected.words
        ]
        assert len(heard) > 1


@pytest.mark.parametrize("options", [{}, {"chunk_seconds": 0.5, "right_seconds": 0.0}])
def test_two_directions_do_not_depend_on_the_blocks(speech, options):
    model, signal = small_model(features=SLIDING), read_audio(speech, RATE)
    expected = listen(make(model, **options), [signal])
    assert len(finals(expected)) > 1
    assert expected == listen(make(model, **options), blocks(signal, 0))
    assert expected == listen(make(model, **options), np.array_split(signal, 999))


def test_two_directions_with_all_the_future_give_the_text_of_the_file(speech):
    model = small_model(features=SLIDING)
    expected = Transcriber(model, device="cpu").transcribe(speech)
    stream = make(model, chunk_seconds=0.3, right_seconds=60.0)
    heard = finals(listen(stream, blocks(read_audio(speech, RATE), 0)))
    assert " ".join(segment.text for segment in heard) == expected.text


def test_partial_results_grow_into_the_final_one(speech):
    heard = listen(make(causal_model()), blocks(read_audio(speech, RATE), 0))
    partial = [segment for segment in heard if not segment.final]
    assert len(partial) > len(finals(heard)) > 1
    assert all(segment.text for segment in heard)
    for before, after in pairwise(heard):
        assert before.text != after.text or after.final
        if not before.final and not after.final:
            assert after.text.startswith(before.text[:-3])


@pytest.mark.parametrize("model", [causal_model("none"), small_model(features=SLIDING)])
def test_a_sound_is_answered_after_the_latency_and_not_later(model):
    stream, steps = make(model), []
    inner = stream.ear._stage

    def watched(x: torch.Tensor, last: bool) -> torch.Tensor:
        y = inner(x, last)
        steps.append((stream.meter.samples, len(y)))
        return y

    stream.ear._stage = watched
    for sample_block in np.array_split(sound(6.0), 6000):
        stream.feed(sample_block)
    fed, counts = np.array([s for s in steps if s[1]]).T
    done = counts.cumsum()
    assert fed[0] / RATE == pytest.approx(stream.latency)
    assert len(set(counts)) == 1
    first = (done - counts) * model.step_seconds  # where the first sound of each chunk begins
    np.testing.assert_allclose(fed / RATE - first, stream.latency)


def test_digital_silence_gives_nothing_and_is_not_remembered():
    stream = make(causal_model("none"))
    for _ in range(30):
        assert stream.feed(np.zeros(RATE, np.float32)) == []
    assert len(stream._pending) < 3
    assert stream.finish() == []
    assert stream.meter.duration == 30


def test_no_sound_at_all_gives_nothing():
    assert make(causal_model()).finish() == []


def size(root: object) -> int:
    """Bytes of all that an object holds, code and networks left out."""
    seen, found, total = set(), [root], 0
    while found:
        item = found.pop()
        if id(item) in seen or isinstance(item, type | FunctionType | ModuleType | torch.nn.Module):
            continue
        seen.add(id(item))
        total += item.nbytes if isinstance(item, torch.Tensor) else sys.getsizeof(item)
        found += gc.get_referents(item)
    return total


def test_memory_is_flat():
    stream, loud = make(causal_model()), sound(30.0)
    sizes = []
    for _ in range(4):
        stream.feed(loud)
        sizes.append(size(stream))
    second = 4 * RATE
    assert abs(sizes[-1] - sizes[0]) < second
    assert second < sizes[0] < 30 * second


def test_what_cannot_be_streamed_is_refused():
    with pytest.raises(ConfigError, match=r"normalization utterance.*expected normalization none"):
        make(small_model())
    with pytest.raises(ConfigError, match=r"right_seconds: found 1\.0, expected none for a model"):
        make(causal_model(), right_seconds=1.0)
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError, match="chunk_seconds: found"):
            StreamConfig(chunk_seconds=value)
    with pytest.raises(ConfigError, match=r"right_seconds: found -0\.1"):
        StreamConfig(right_seconds=-0.1)
