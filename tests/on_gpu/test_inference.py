"""What was trained, at work on a GPU: the same words, events and notes as on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.decoding.voices import draw_voices
from audio_rnn.features import FeatureConfig, Features
from audio_rnn.inference.aligner import Aligner
from audio_rnn.inference.decoders import make_decoder
from audio_rnn.inference.generator import Generator
from audio_rnn.inference.sound_stream import SoundStream
from audio_rnn.inference.stream import SpeechStream
from audio_rnn.inference.tagger import Tagger
from audio_rnn.inference.tags import TagConfig
from audio_rnn.inference.training_music import TrainingMusic
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.language import LanguageModel
from audio_rnn.models.reach import gradient_reach
from tests.inference.test_decoders import TEXTS, save_language_model
from tests.midi.pieces import tune
from tests.on_gpu.conftest import Gpu
from tests.on_gpu.tasks import make
from tests.small_model import causal_model, small_model, sound, write_sounds
from tests.small_tagger import small_tagger

Work = Callable[[str], Any]  # on a device


def check_alike(work: Work, gpu: Gpu) -> Any:
    """What work gives on the CPU, when it gives the same on a GPU."""
    expected = work("cpu")
    with gpu():
        compare(work("cuda"), expected)
    return expected


def compare(found: Any, expected: Any) -> None:
    """Equal, numbers but for rounding."""
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected):
            compare(a, b)
    else:
        close = isinstance(expected, float)
        assert found == (pytest.approx(expected, rel=1e-3, abs=1e-3) if close else expected)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_sounds(tmp_path_factory.mktemp("sounds"), 1.0, 2.3, 1.7)


@pytest.mark.parametrize("seconds", [None, 0.5])  # in batches, and swept piece by piece
@pytest.mark.parametrize("make_model", [small_model, causal_model])
def test_transcripts(
    paths: list[Path], make_model: Callable[[], Any], seconds: float | None, gpu: Gpu
) -> None:
    def work(device: str) -> Any:
        return [
            (t.text, [(w.text, w.start) for w in t.words])
            for t in Transcriber(make_model(), device, seconds).transcribe_many(paths)
        ]

    assert all(text for text, _ in check_alike(work, gpu))


def test_transcripts_by_a_beam_with_language_models(
    paths: list[Path], tmp_path: Path, gpu: Gpu
) -> None:
    train(TEXTS, order=2).save(tmp_path / "lm.arpa")
    save_language_model(tmp_path / "letters", small_model().vocabulary)
    config = DecodingConfig(
        lm=tmp_path / "lm.arpa", neural_lm=tmp_path / "letters", rescorer=tmp_path / "letters",
        beam_width=5,
    )  # fmt: skip

    def work(device: str) -> Any:
        model = small_model()
        decoder = make_decoder(model, None, config)
        return [t.text for t in Transcriber(model, device, decoder=decoder).transcribe_many(paths)]

    check_alike(work, gpu)


def test_a_language_model_itself(tmp_path: Path, gpu: Gpu) -> None:
    save_language_model(tmp_path, small_model().vocabulary)

    def work(device: str) -> Any:
        language = LanguageModel.load(tmp_path)
        language.model.to(device)
        scores, (told, state) = language.score_texts(TEXTS), language.step(np.arange(3), None)
        return [
            *scores.tolist(),
            *language.step(np.arange(3), state)[0].flatten().tolist(),
            told.shape[1],
        ]

    check_alike(work, gpu)


@pytest.mark.parametrize("make_model", [causal_model, lambda: both_ways()])
def test_streams_of_speech(make_model: Callable[[], Any], gpu: Gpu) -> None:
    def work(device: str) -> Any:
        model = make_model().to(device)
        stream = SpeechStream(model, make_decoder(model))
        blocks = np.array_split(sound(3.0), 7)
        segments = [s for block in blocks for s in stream.feed(block)] + stream.finish()
        return [(s.text, s.final) for s in segments]

    assert check_alike(work, gpu)


def both_ways() -> Any:
    return small_model(features=FeatureConfig(normalization="sliding"))


def test_alignments(paths: list[Path], gpu: Gpu) -> None:
    def work(device: str) -> Any:
        found = Aligner(small_model(), device).align(paths[1], ["abc def", "ghi"])
        return [(u.text, u.start, u.end) for u in found.utterances]

    assert check_alike(work, gpu)


def taggers(device: str, seconds: float | None = None) -> Tagger:
    return Tagger(small_tagger(), device, others=[small_tagger(seed=8)], batch_seconds=seconds)


@pytest.mark.parametrize("seconds", [None, 0.5])
def test_tags_and_events(paths: list[Path], seconds: float | None, gpu: Gpu) -> None:
    def work(device: str) -> Any:
        tagger = taggers(device, seconds)
        tags = tagger.tag_many(paths, TagConfig(window_seconds=0.5))
        rounded = [[(t.label, t.probability) for t in tagged.tags] for tagged in tags]
        events = [(e.label, e.onset, e.offset) for e in tagger.detect(paths[1]).events]
        track = tagger.track(paths[1], 0.2, 1.5).probabilities.tolist()
        return rounded, events, track

    assert all(check_alike(work, gpu))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_streams_of_sounds(bidirectional: bool, gpu: Gpu) -> None:
    def work(device: str) -> Any:
        stream = SoundStream(small_tagger(bidirectional).to(device))
        blocks = np.array_split(sound(3.0), 7)
        found = [s for block in blocks for s in stream.feed(block)] + stream.finish()
        return [(s.event.label, s.event.onset, s.final) for s in found]

    assert check_alike(work, gpu)


def test_statistics_of_features(gpu: Gpu) -> None:
    def work(device: str) -> Any:
        features = Features(FeatureConfig(normalization="global")).to(device)
        waveforms, lengths = torch.from_numpy(np.stack([sound(1.0), sound(1.0, 1)])), [16000, 9000]
        features.fit([(waveforms.to(device), torch.tensor(lengths))])
        return features.normalizer.mean.tolist()

    check_alike(work, gpu)


@pytest.mark.parametrize("make_model", [small_model, small_tagger])
def test_lengths_may_lie_on_either_side(make_model: Callable[[], Any], gpu: Gpu) -> None:
    sounds = torch.from_numpy(np.stack([sound(1.0), sound(1.0, 1)]))
    lengths = torch.tensor([16000, 9000])
    expected = make_model()(sounds, lengths)
    with gpu():
        model = make_model().cuda()
        for given in (lengths, lengths.cuda()):
            for there, here in zip(model(sounds.cuda(), given), expected, strict=True):
                torch.testing.assert_close(there.cpu(), here, atol=1e-4, rtol=1e-4)


def test_how_far_gradients_reach(gpu: Gpu) -> None:
    def work(device: str) -> Any:
        layers = small_model().acoustic.recurrent.to(device)
        return (
            gradient_reach(layers, torch.ones(2, 5, layers.inputs).to(device))
            .round(decimals=3)
            .tolist()
        )

    check_alike(work, gpu)


def test_voices_around_a_tune(gpu: Gpu) -> None:
    def work(device: str) -> Any:
        task, _ = make("voices")
        model = task.model.to(device).eval()
        tune = {0: np.full(5, 40)}
        return draw_voices(model, 5, tune, SamplingConfig(), seed=1, particles=3).tolist()  # type: ignore[arg-type]

    check_alike(work, gpu)


def test_how_likely_music_is(gpu: Gpu) -> None:
    piece = tidy(tune(60, 62, 64, 65))
    training = TrainingMusic.of({"a": encode_with_controls(piece)})

    def work(device: str) -> Any:
        generator = Generator(make("music")[0].model.to(device).eval(), training)  # type: ignore[arg-type]
        (drawn,) = generator.generate(Plan(bars=2), seed=3)
        return generator.score(piece).nats, drawn

    check_alike(work, gpu)
