"""Hotwords by themselves: the words of training stand in for a language model."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.decoding.ngram.uniform import uniform
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.inference.decoders import make_decoder
from audio_rnn.inference.known_words import WORDS, with_known_words
from audio_rnn.inference.tuned import Tuned, digest, save_tuned
from tests.small_model import save_small_model, small_model

HOT = DecodingConfig(hotwords=("fed",))


@pytest.fixture
def run(tmp_path) -> Path:
    save_small_model(tmp_path, small_model())
    uniform(["abe", "bad", "abe"]).save(tmp_path / WORDS)
    return tmp_path


def heard(*rows: dict[str, float]) -> np.ndarray:
    """log_probs (steps, symbols) in which these symbols have these probabilities."""
    ids = small_model().vocabulary.ids
    probs = np.full((len(rows), len(ids) + 1), 1e-4, np.float32)
    for step, row in zip(probs, rows):
        for symbol, value in row.items():
            step[ids[symbol]] = value
    return np.log(probs / probs.sum(axis=1, keepdims=True))


def test_a_list_of_words_is_a_language_model_in_which_all_are_alike(tmp_path):
    uniform(["b", "a", "b", "<unk>"]).save(tmp_path / "words.arpa")
    model = NgramModel.load(tmp_path / "words.arpa")
    assert model.counts == (5,)
    scores = [*model.score(["a", "b"]), *model.score(["unheard of"], end=False)]
    assert scores == pytest.approx([np.log(1 / 4)] * 4)


def test_hotwords_by_themselves_are_weighed_against_the_words_of_training(run):
    assert with_known_words(HOT, run).lm == run / WORDS
    assert with_known_words(HOT, run / "model").lm == run.resolve() / WORDS
    boosted = DecodingConfig(hotwords=("bad",), hotword_boost=1.0)
    log_probs = heard({"a": 0.9}, {"b": 0.9}, {"e": 0.6, "d": 0.3})
    assert decode(make_decoder(small_model(), run, HOT), log_probs).text == "abe"
    assert decode(make_decoder(small_model(), run, boosted), log_probs).text == "abe"


def test_what_is_no_word_gives_way(run):
    log_probs = heard({"f": 0.9}, {"e": 0.5, "a": 0.5}, {"e": 0.6, "d": 0.1})
    weak = DecodingConfig(hotwords=("fed",), hotword_boost=0.1)
    assert decode(make_decoder(small_model(), None, weak), log_probs).text != "fed"
    assert decode(make_decoder(small_model(), run, weak), log_probs).text == "fed"


@pytest.mark.parametrize("name", ["lm", "neural_lm", "rescorer", "lexicon"])
def test_what_knows_words_itself_is_taken_instead(run, name):
    config = DecodingConfig(hotwords=("fed",), **{name: Path("other")})
    assert with_known_words(config, run) is config


def test_nothing_changes_without_hotwords(run):
    for config in (DecodingConfig(), DecodingConfig(beam_width=5)):
        assert with_known_words(config, run) is config


def test_a_run_without_its_words_is_told(run, caplog):
    (run / WORDS).unlink()
    with caplog.at_level(logging.WARNING):
        assert with_known_words(HOT, run) is HOT
    assert f"found no {run / WORDS}" in caplog.text


def test_weights_that_were_tuned_for_them_are_taken_and_others_not_told(run, caplog):
    save_tuned(run, Tuned("valid.jsonl", 0.1, lm_sha256="0" * 64, lm_weight=2.0))
    assert make_decoder(small_model(), run, HOT).fusion.lm_weight == 0.5
    assert not caplog.records
    save_tuned(run, Tuned("valid.jsonl", 0.1, lm_sha256=digest(run / WORDS), lm_weight=0.25))
    assert make_decoder(small_model(), run, HOT).fusion.lm_weight == 0.25
