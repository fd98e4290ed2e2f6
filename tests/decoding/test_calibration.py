"""Calibration of confidences: it finds a known distortion, keeps the order, streams like a file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.decoding.calibration import (
    CalibratedDecoder,
    Calibration,
    calibration_error,
    fit,
    judge,
)
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.hypothesis import Hypothesis, Word
from audio_rnn.vocabulary import Vocabulary

HALF_AS_SURE = Calibration(0.5, -1.0)


def judged_words(count: int, seed: int = 0) -> np.ndarray:
    """Words that are right as often as HALF_AS_SURE says."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.3, 1.0, count)
    right = random.uniform(size=count) < HALF_AS_SURE.of(confidence)
    return np.stack([confidence, right], 1).astype(float)


def test_a_known_distortion_is_found():
    found = fit(judged_words(20_000))
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.offset == pytest.approx(-1.0, abs=0.1)


def test_what_is_fitted_on_some_words_is_right_for_others():
    calibration, other = fit(judged_words(300, seed=1)), judged_words(5000, seed=2)
    before = calibration_error(other)
    after = calibration_error(np.stack([calibration.of(other[:, 0]), other[:, 1]], 1))
    assert after < 0.25 * before


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_set_of_right_or_wrong_words_only_makes_none_certain(right):
    judged = np.stack([np.linspace(0.5, 1, 40), np.full(40, right)], 1)
    told = fit(judged).of(judged[:, 0])
    assert np.all(np.diff(told) >= 0)
    assert told.min() > 0 and told.max() < 1


def test_no_words_change_nothing():
    assert fit(np.zeros((0, 2))) == Calibration()
    assert calibration_error(np.zeros((0, 2))) == 0


@given(st.lists(st.floats(0, 1), min_size=2), st.floats(0, 5), st.floats(-10, 10))
def test_the_order_stays_and_values_are_probabilities(confidences, slope, offset):
    told = Calibration(slope, offset).of(np.array(sorted(confidences)))
    assert np.all(np.diff(told) >= 0)
    assert np.all((told >= 0) & (told <= 1))


def test_right_words_are_those_that_the_alignment_matches():
    words = [Word(text, 0.0, 1.0, c) for text, c in [("a", 0.9), ("x", 0.2), ("c", 0.8)]]
    assert judge("a b c d", Hypothesis.of(words)).tolist() == [[0.9, 1], [0.2, 0], [0.8, 1]]


def test_pieces_give_the_confidences_of_the_whole():
    vocabulary = Vocabulary.from_texts(["ab cd"])
    scores = np.random.default_rng(0).normal(0, 3, (200, len(vocabulary)))
    log_probs = (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)
    plain = GreedyDecoder(vocabulary, 0.03)
    decoder = CalibratedDecoder(plain, HALF_AS_SURE)
    whole, raw = decode(decoder, log_probs), decode(plain, log_probs)
    assert [w.text for w in whole.words] == [w.text for w in raw.words]
    expected = HALF_AS_SURE.of(np.array([word.confidence for word in raw.words]))
    assert [w.confidence for w in whole.words] == pytest.approx(expected.tolist())
    decoding = decoder.start()
    pieces = [s for piece in np.array_split(log_probs, 7) for s in decoding.feed(piece)]
    assert decoding.partial().confidence <= 1
    assert [w for s in [*pieces, *decoding.finish()] for w in s.words] == whole.words
