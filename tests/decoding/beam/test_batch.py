"""Many recordings at once give what each gives alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.beam.batch import decode_many, decode_texts
from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.rescoring import Ngrams
from audio_rnn.decoding.decoder import LONGEST, decode
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError
from tests.decoding.beam.test_beam import (
    LETTERS,
    PIECES,
    STEP,
    TEXTS,
    random_log_probs,
    sharp_log_probs,
)

SPOKEN = {"A": [["A"], ["A", "A"]], "BA": [["B", "A"]], "BAH": [["B", "A"], ["B"]]}
LEXICONS = None, ["A", "AB", "BB"], SPOKEN


@pytest.fixture(scope="module")
def words_lm() -> NgramModel:
    return train(TEXTS, order=2)


def long_pauses(rng: np.random.Generator) -> np.ndarray:
    runs = rng.choice(4, 60), rng.choice([1, 2, 30], 60, p=[0.7, 0.2, 0.1])
    return sharp_log_probs(np.repeat(*runs), best=0.6)


def assert_same(decoder: BeamDecoder, recordings: list[np.ndarray]) -> None:
    assert decode_texts(decoder, recordings) == [decode(decoder, r).text for r in recordings]


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(0, 5), st.sampled_from(LEXICONS))
def test_texts_alone_are_those_of_decoding(words_lm, seed, count, lexicon):
    rng = np.random.default_rng(seed)
    recordings = [long_pauses(rng) for _ in range(count)]
    hotwords = {} if lexicon is SPOKEN else {"BA AB": 1.0}
    knowledge = Knowledge(words_lm, lexicon, hotwords)
    assert_same(BeamDecoder(LETTERS, STEP, knowledge, config=BeamConfig(8)), recordings)


def test_texts_of_pieces_are_those_of_decoding():
    recordings = [random_log_probs(seed, 40, sharp=3.0) for seed in range(10)]
    assert_same(BeamDecoder(PIECES, STEP), recordings)


def test_texts_that_a_model_judges_are_those_of_decoding(words_lm):
    recordings = [random_log_probs(seed, 20) for seed in range(3)]
    knowledge = Knowledge(rescorer=Ngrams(words_lm))
    assert_same(BeamDecoder(LETTERS, STEP, knowledge, Weights(rescorer_weight=1.0)), recordings)


def test_one_without_a_pause_disturbs_no_other():
    steps = round(1.2 * LONGEST / STEP)
    endless = sharp_log_probs(([2, 1, 3, 3, 1] * steps)[:steps], best=0.95)
    recordings = [sharp_log_probs([2]), endless, sharp_log_probs([2, 3]), endless[:0]]
    assert_same(BeamDecoder(LETTERS, STEP, config=BeamConfig(4)), recordings)


def test_more_prefixes_than_there_is_room_for_at_first():
    recordings = [random_log_probs(seed, 400) for seed in range(2)]
    assert_same(BeamDecoder(LETTERS, STEP, config=BeamConfig(200, beam_threshold=50)), recordings)


def test_threads_change_nothing():
    recordings = [random_log_probs(seed, 50, sharp=3.0) for seed in range(6)]
    decoder = BeamDecoder(LETTERS, STEP)
    alone = [decode(decoder, recording) for recording in recordings]
    assert decode_many(decoder, recordings, threads=3) == alone


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (np.zeros((3, 5), np.float32), r"found shape \(3, 5\), expected \(steps, 4\)"),
        (np.full((3, 4), np.nan, np.float32), "found NaN at step 0"),
        (np.array([[0, -9, -9, -9], [np.nan, -9, -9, -9]], np.float32), "found NaN at step 1"),
        (np.array([[0, -9, np.nan, -9]], np.float32), "found NaN at step 0"),
    ],
)
def test_a_broken_recording_is_refused(broken, message):
    with pytest.raises(DecodingError, match=message):
        decode_texts(BeamDecoder(LETTERS, STEP), [random_log_probs(0), broken])
