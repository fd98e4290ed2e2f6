"""A sequence model asked by decoders: step by step as in one go, alone as in a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.errors import ModelError, VocabularyError
from audio_rnn.models.folder import write_model
from audio_rnn.models.language import LanguageModel
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, Vocabulary

LETTERS = Vocabulary.from_texts(["ab cd"])
WORDS = Vocabulary((BLANK_SYMBOL, "<unk>", "ab", "cd"), "symbol")
SMALL = SequenceConfig(embedding=5, hidden=8, layers=2)
CONFIGS = [
    SMALL,
    replace(SMALL, cell="gru", tied=False),
    replace(SMALL, cell="elman_tanh", layers=1),
]
TEXTS = ["ab cd", "", "dd", "a b c d", "cab"]


def make(config: SequenceConfig = SMALL, vocabulary: Vocabulary = LETTERS) -> LanguageModel:
    torch.manual_seed(1)
    return LanguageModel(SequenceModel(config, vocabulary))


def told(model: LanguageModel, ids: list[int]) -> float:
    """Log-probability of symbols, asked one after the other beside others."""
    log_probs, states = model.step(np.full(3, BLANK), None)
    total = 0.0
    for symbol in ids:
        total += float(log_probs[1, symbol])
        log_probs, states = model.step(np.array([2, symbol, 1]), states)
    return total


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.cell)
def test_steps_and_texts_score_the_same(config: SequenceConfig) -> None:
    model = make(config)
    ended = [told(model, [*LETTERS.encode(text), BLANK]) for text in TEXTS]
    np.testing.assert_allclose(model.score_texts(TEXTS), ended, atol=1e-5)
    space = LETTERS.ids[" "]
    open_ = [told(model, [*LETTERS.encode(t), space] if t else []) for t in TEXTS]
    np.testing.assert_allclose(model.score_texts(TEXTS, ended=False), open_, atol=1e-5)


def test_a_text_scores_alone_as_among_many() -> None:
    model = make()
    many = TEXTS * 30
    alone = [model.score_texts([text])[0] for text in TEXTS]
    np.testing.assert_allclose(model.score_texts(many), alone * 30, atol=1e-5)
    assert len(model.score_texts([])) == 0


def test_an_unknown_word_costs_more_than_its_symbol() -> None:
    model = make(vocabulary=WORDS)
    cheap = LanguageModel(model.model, unknown_cost=0.0)
    texts = ["ab cd", "ab dd", "dd ee"]
    costs = cheap.score_texts(texts) - model.score_texts(texts)
    np.testing.assert_allclose(costs, [0.0, 5.0, 10.0])
    assert (model.words, make().words) == (("<unk>", "ab", "cd"), ())


def test_a_letter_it_does_not_know_is_named() -> None:
    with pytest.raises(VocabularyError, match="symbol 'x' in 'ax'"):
        make().score_texts(["ax"])


def test_a_saved_model_says_the_same(tmp_path: Path) -> None:
    model = make()
    write_model(tmp_path / "model", model.model, model.model.describe())
    loaded = LanguageModel.load(tmp_path)
    np.testing.assert_array_equal(loaded.score_texts(TEXTS), model.score_texts(TEXTS))
    with pytest.raises(ModelError, match="no such folder"):
        LanguageModel.load(tmp_path / "nothing")
