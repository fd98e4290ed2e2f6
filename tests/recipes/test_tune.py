"""Tuning of a language model's weight: it helps, it is saved, and never on a test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.beam.knowledge import Weights
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError
from audio_rnn.inference.decoders import make_decoder
from audio_rnn.inference.tuned import load_tuned
from audio_rnn.metrics.text import word_errors
from recipes.speech_recognition import weights as module
from recipes.speech_recognition.tune import tune
from tests.inference.test_decoders import save_language_model
from tests.small_model import save_small_model, small_model

TEXTS = ["abc def", "def abc ghi", "abc ghi", "ghi def def", "fed abc", "ghi ghi abc"]


def noisy(text: str, seed: int) -> np.ndarray:
    """Log-probabilities (steps, symbols) in which a letter now and then is another."""
    vocabulary = small_model().vocabulary
    random = np.random.default_rng(seed)
    path = [step for symbol in vocabulary.encode(text) for step in (symbol, 0)]
    scores = random.normal(size=(len(path), len(vocabulary)))
    scores[np.arange(len(path)), path] += 3.0
    return (scores - np.log(np.exp(scores).sum(1, keepdims=True))).astype(np.float32)


@pytest.fixture
def few_weights(monkeypatch):
    few = {"lm_weight": (0.1, 0.7), "neural_weight": (0.05, 0.5), "word_bonus": (0.0, 2.0)}
    for name, values in few.items():
        monkeypatch.setitem(module.GRIDS, name, values)


def utterances(split: str | None = None) -> list[Utterance]:
    return [
        Utterance(f"u{i}", 1.0, audio="a.wav", text=text, split=split)
        for i, text in enumerate(TEXTS)
    ]


def test_what_is_found_is_saved_and_makes_fewer_errors(tmp_path, few_weights, capsys):
    model, folder = small_model(), save_small_model(tmp_path / "run")
    lm = tmp_path / "lm.arpa"
    train(TEXTS, order=2).save(lm)
    scores = [noisy(text, seed) for seed, text in enumerate(TEXTS)]
    config = DecodingConfig(lm=lm)
    found = tune(folder, model, config, scores, utterances(), Path("valid.jsonl"))
    assert load_tuned(folder) == [found]
    assert f"{found.expected_wer:.2%} *" in capsys.readouterr().out
    decoders = make_decoder(model), make_decoder(model, folder, config)
    assert decoders[1].decoder.fusion.lm_weight == found.lm_weight
    assert decoders[1].calibration == found.calibration
    greedy, tuned = (
        word_errors(TEXTS, [decode(decoder, s).text for s in scores]).errors for decoder in decoders
    )
    assert tuned < greedy


@pytest.mark.parametrize(
    ("config", "manifest", "split", "message"),
    [
        ({"lm": Path("x"), "lm_weight": 1.0}, "valid.jsonl", None, "found --lm-weight as well"),
        ({"lm": Path("x")}, "test.jsonl", None, r"found the test set test\.jsonl"),
        ({"lm": Path("x")}, "all.jsonl", "test", r"found the test set all\.jsonl"),
    ],
)
def test_what_cannot_be_tuned_is_refused(tmp_path, config, manifest, split, message):
    with pytest.raises(ConfigError, match=message):
        tune(
            tmp_path, small_model(), DecodingConfig(**config), [], utterances(split), Path(manifest)
        )


def test_weights_of_several_models_are_found_together(tmp_path, few_weights, capsys):
    model, folder = small_model(), save_small_model(tmp_path / "run")
    train(TEXTS, order=2).save(tmp_path / "lm.arpa")
    save_language_model(tmp_path / "letters", model.vocabulary)
    scores = [noisy(text, seed) for seed, text in enumerate(TEXTS)]
    config = DecodingConfig(lm=tmp_path / "lm.arpa", neural_lm=tmp_path / "letters")
    found = tune(folder, model, config, scores, utterances(), Path("valid.jsonl"))
    assert found.neural_weight == 0.05  # of a model that knows nothing
    assert capsys.readouterr().out.count(f"{found.expected_wer:.2%} *") == 2
    decoder = make_decoder(model, folder, config).decoder
    assert (decoder.fusion.lm_weight, decoder.neural.weight) == (found.lm_weight, 0.05)


def test_the_search_goes_on_until_no_weight_alone_is_better():
    def errors(weights: Weights) -> float:
        lm, neural = weights.lm_weight, weights.neural_weight
        return (lm + neural - 0.6) ** 2 + 3 * (neural - 0.1) ** 2 + weights.word_bonus**2

    best = module.search(["lm_weight", "neural_weight"], errors)
    assert (best.lm_weight, best.neural_weight, best.word_bonus) == (0.5, 0.1, 0.0)


@pytest.mark.parametrize("config", [DecodingConfig(), DecodingConfig(beam_width=5)])
def test_without_language_models_confidences_are_calibrated(tmp_path, config, capsys):
    model, folder = small_model(), save_small_model(tmp_path / "run")
    scores = [noisy(text, seed) for seed, text in enumerate(TEXTS)]
    found = tune(folder, model, config, scores, utterances(), Path("valid.jsonl"))
    assert (found.greedy, found.weights) == (config.greedy, {})
    assert "calibration error" in capsys.readouterr().out
    assert make_decoder(model, folder, config).calibration == found.calibration
