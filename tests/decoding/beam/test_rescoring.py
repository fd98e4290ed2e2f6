"""Language models that judge the texts of a beam, against all paths; over segments and pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.rescoring import CONTEXT, Ngrams, Together
from audio_rnn.decoding.decoder import PAUSE, decode
from audio_rnn.decoding.hypothesis import joined
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from tests.decoding.beam.brute_force import all_texts
from tests.decoding.beam.test_beam import (
    EVERYTHING,
    LETTERS,
    STEP,
    TEXTS,
    assert_same,
    found,
    random_log_probs,
    segments,
    sharp_log_probs,
)
from tests.decoding.beam.test_neural import make_model

WEIGHTS = Weights(
    lm_weight=0.7, rescorer_weight=0.8, word_bonus=0.9, unknown_cost=0.0, letter_cost=0.0
)
WORDS = Vocabulary((BLANK_SYMBOL, "<unk>", "A", "AB", "BA"), "symbol")


@pytest.fixture(scope="module")
def words_lm() -> NgramModel:
    return train(TEXTS, order=2)


@pytest.mark.parametrize("vocabulary", [LETTERS, WORDS], ids=lambda v: v.unit)
def test_scores_are_exact(words_lm, vocabulary):
    model = make_model(vocabulary)

    def score(words: tuple[str, ...]) -> float:
        told = float(model.score_texts([" ".join(words)], True)[0])
        return 0.7 * sum(words_lm.score(words)) + 0.8 * told + 0.9 * len(words)

    log_probs = random_log_probs(1)
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(words_lm, rescorer=model), WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


def test_an_n_gram_model_says_the_same_after_the_search(words_lm):
    log_probs = random_log_probs(2)
    weights = Weights(lm_weight=0.7, rescorer_weight=0.7, unknown_cost=0.0, letter_cost=0.0)
    within = BeamDecoder(LETTERS, STEP, Knowledge(words_lm), weights, EVERYTHING)
    knowledge = Knowledge(rescorer=Ngrams(words_lm))
    after = BeamDecoder(LETTERS, STEP, knowledge, weights, EVERYTHING)
    assert_same(found(after, log_probs), found(within, log_probs))


def test_a_model_can_take_the_place_of_the_one_in_the_search(words_lm):
    log_probs, model = random_log_probs(3), make_model(WORDS)
    weights = Weights(lm_weight=0.7, rescorer_weight=1.0, unknown_cost=0.0, letter_cost=0.0)
    instead = Together([(model, 0.4), (Ngrams(words_lm), -0.7)])
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(words_lm, rescorer=instead), weights, EVERYTHING)

    def score(words: tuple[str, ...]) -> float:
        return 0.4 * float(model.score_texts([" ".join(words)])[0]) + len(words)

    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


class Preferring:
    """Gives one text a nat more than others, and notes what it is asked."""

    words = ()

    def __init__(self, favourite: str) -> None:
        self.favourite, self.asked = favourite, []

    def score_texts(self, texts: Sequence[str], ended: bool) -> np.ndarray:
        self.asked.append((list(texts), ended))
        return np.array([10.0 * text.endswith(self.favourite) for text in texts])


def test_segments_are_judged_after_what_was_said_before():
    model = Preferring("BB")
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(rescorer=model))
    model.asked.clear()
    pause = sharp_log_probs([0] * round(PAUSE / STEP), best=0.999)
    unclear = sharp_log_probs([2, 0, 3], best=0.6), sharp_log_probs([3, 0, 2], best=0.6)
    hypotheses = segments(decoder, [unclear[0], pause, unclear[1]])
    assert [hypothesis.text for hypothesis in hypotheses] == ["BB", "BB"]
    assert [ended for _, ended in model.asked] == [False, True]
    assert "BB" in model.asked[0][0]
    assert all(text.startswith("BB ") for text in model.asked[1][0] if text != "BB")


def test_the_judge_decides_how_sure_a_word_is():
    unclear = sharp_log_probs([2, 0, 3], best=0.9)
    plain = decode(BeamDecoder(LETTERS, STEP), unclear)
    model = Preferring(plain.text)
    judged = decode(BeamDecoder(LETTERS, STEP, Knowledge(rescorer=model)), unclear)
    assert judged.text == plain.text
    assert judged.confidence > plain.confidence


def test_what_was_said_long_ago_is_forgotten():
    model = Preferring("B")
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(rescorer=model))
    phrase = [2, 1, 3, *[0] * (1 + round(PAUSE / STEP))]
    segments(decoder, [sharp_log_probs(phrase * CONTEXT, best=0.999)])
    longest = max(len(text.split()) for texts, _ in model.asked for text in texts)
    assert CONTEXT < longest < CONTEXT + 6


@settings(max_examples=10)
@given(st.integers(0, 1000), st.lists(st.integers(0, 300), max_size=6))
def test_pieces_give_the_segments_of_the_whole(words_lm, seed, cuts):
    rng = np.random.default_rng(seed)
    runs = rng.choice(4, 60), rng.choice([1, 2, 30], 60, p=[0.7, 0.2, 0.1])
    log_probs = sharp_log_probs(np.repeat(*runs), best=0.6)
    knowledge = Knowledge(words_lm, rescorer=make_model(LETTERS))
    decoder = BeamDecoder(LETTERS, STEP, knowledge, config=BeamConfig(8))
    whole = segments(decoder, [log_probs])
    places = sorted(min(cut, len(log_probs)) for cut in cuts)
    assert segments(decoder, np.split(log_probs, places)) == whole
    assert joined(whole) == decode(decoder, log_probs)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (Vocabulary.from_texts(["A"]), "symbol 'B' in 'B' is not among the 1 of the vocabulary"),
        (Vocabulary.from_texts(["A AB"], "symbol"), "symbol 'B' in 'B' is not among the 2"),
        (Vocabulary.from_texts(["<unk> one"], "symbol"), "found 0 of 1 words that the model can"),
    ],
)
def test_a_model_that_cannot_judge_these_texts_is_refused(vocabulary, message):
    with pytest.raises(LanguageModelError, match=message):
        BeamDecoder(LETTERS, STEP, Knowledge(rescorer=make_model(vocabulary)))


def test_an_impossible_weight_is_refused():
    with pytest.raises(DecodingError, match="rescorer_weight: found inf"):
        Weights(rescorer_weight=float("inf"))
