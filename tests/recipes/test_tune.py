"""Tuning of a language model's weight: it helps, it is saved, and never on a test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError
from audio_rnn.inference.decoders import load_tuned, make_decoder
from audio_rnn.metrics import word_errors
from recipes.speech_recognition import tune as module
from recipes.speech_recognition.tune import tune
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
    monkeypatch.setattr(module, "LM_WEIGHTS", (0.1, 0.7))
    monkeypatch.setattr(module, "WORD_BONUSES", (0.0, 2.0))


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
    assert load_tuned(folder) == found
    assert f"{found.expected_wer:.2%} *" in capsys.readouterr().out
    decoders = make_decoder(model), make_decoder(model, folder, config)
    assert decoders[1].fusion.lm_weight == found.lm_weight
    greedy, tuned = (
        word_errors(TEXTS, [decode(decoder, s).text for s in scores]).errors for decoder in decoders
    )
    assert tuned < greedy


@pytest.mark.parametrize(
    ("config", "manifest", "split", "message"),
    [
        ({}, "valid.jsonl", None, "found no --lm"),
        ({"lm": Path("x"), "lm_weight": 1.0}, "valid.jsonl", None, "leave them out"),
        ({"lm": Path("x")}, "test.jsonl", None, r"found the test set test\.jsonl"),
        ({"lm": Path("x")}, "all.jsonl", "test", r"found the test set all\.jsonl"),
    ],
)
def test_what_cannot_be_tuned_is_refused(tmp_path, config, manifest, split, message):
    with pytest.raises(ConfigError, match=message):
        tune(
            tmp_path, small_model(), DecodingConfig(**config), [], utterances(split), Path(manifest)
        )
