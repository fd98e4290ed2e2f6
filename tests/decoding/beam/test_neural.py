"""A neural language model in beam search, against all paths; over pauses, cuts and pieces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.beam.batch import decode_many
from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder, BeamDecoding
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.neural import ROOM
from audio_rnn.decoding.beam.tables import NODES
from audio_rnn.decoding.decoder import PAUSE, decode
from audio_rnn.decoding.hypothesis import joined
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel, spell
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.models.language import LanguageModel
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, Vocabulary
from tests.decoding.beam.brute_force import all_texts
from tests.decoding.beam.test_beam import (
    EVERYTHING,
    LETTERS,
    PHONES,
    PIECES,
    STEP,
    TEXTS,
    assert_same,
    found,
    random_log_probs,
    segments,
    sharp_log_probs,
)

WEIGHTS = Weights(
    lm_weight=0.6, neural_weight=0.7, word_bonus=0.9, unknown_cost=2.5, letter_cost=0.0
)
PAUSED = round(PAUSE / STEP)


def make_model(vocabulary: Vocabulary, seed: int = 0) -> LanguageModel:
    """Random weights, sharp enough to prefer some symbols."""
    torch.manual_seed(seed)
    model = SequenceModel(SequenceConfig(embedding=6, hidden=5, layers=2), vocabulary)
    with torch.no_grad():
        model.output.weight.mul_(8)
    return LanguageModel(model)


def log_prob(model: LanguageModel, symbols: Sequence[int], ended: bool = True) -> float:
    """Of symbols, asked one after the other."""
    ids = [*symbols, BLANK] if ended else list(symbols)
    log_probs, state = model.step(np.array([BLANK]), None)
    total = 0.0
    for symbol in ids:
        total += float(log_probs[0, symbol])
        log_probs, state = model.step(np.array([symbol]), state)
    return total


def of_letters(model: LanguageModel) -> Callable[[tuple[str, ...]], float]:
    """What a text of LETTERS gains by the model and its words."""
    return lambda w: 0.7 * log_prob(model, LETTERS.encode(" ".join(w))) + 0.9 * len(w)


@pytest.fixture(scope="module")
def letters() -> LanguageModel:
    return make_model(LETTERS)


@pytest.fixture(scope="module")
def words_lm() -> NgramModel:
    return train(TEXTS, order=2)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_exact(seed):
    model, log_probs = make_model(LETTERS, seed), random_log_probs(seed)
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(neural=model), WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, of_letters(model)))


@pytest.mark.parametrize("vocabulary", [PHONES, PIECES], ids=lambda v: v.unit)
def test_scores_of_phones_and_pieces_are_exact(vocabulary):
    model, log_probs = make_model(vocabulary), random_log_probs(4)
    decoder = BeamDecoder(vocabulary, STEP, Knowledge(neural=model), WEIGHTS, EVERYTHING)
    by_symbol = cache(lambda symbols: 0.7 * log_prob(model, symbols))
    truth = all_texts(log_probs, vocabulary, lambda words: 0.9 * len(words), by_symbol)
    assert_same(found(decoder, log_probs), truth)


def test_scores_beside_an_n_gram_model_and_hotwords_are_exact(letters, words_lm):
    def score(words: tuple[str, ...]) -> float:
        unknown = sum(word not in ("A", "AB", "BA") for word in words)
        ngram = 0.6 * sum(words_lm.score(words)) - 2.5 * unknown
        return ngram + of_letters(letters)(words) + 3.0 * words.count("AB")

    log_probs = random_log_probs(6)
    knowledge = Knowledge(words_lm, hotwords={"AB": 1.5}, neural=letters)
    decoder = BeamDecoder(LETTERS, STEP, knowledge, WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


def test_scores_beside_a_letter_lm_and_a_lexicon_are_exact(letters):
    ngrams = train([spell(text) for text in TEXTS], order=3)

    def score(words: tuple[str, ...]) -> float:
        known = set(words) <= {"AB", "B", "BAB"}
        ngram = 0.6 * sum(ngrams.score(spell(" ".join(words)).split()))
        return ngram + of_letters(letters)(words) if known else -np.inf

    log_probs = random_log_probs(7)
    knowledge = Knowledge(ngrams, ["AB", "B", "BAB"], neural=letters)
    decoder = BeamDecoder(LETTERS, STEP, knowledge, WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


@pytest.mark.parametrize("first", [[2, 3], [2, 1], [1, 2, 3, 1, 2]], ids=["AB", "A ", " AB A"])
def test_a_pause_is_a_space_to_the_model(letters, first):
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(neural=letters), WEIGHTS, EVERYTHING)
    decoding = decoder.start()
    [segment] = decoding.feed(sharp_log_probs([*first, *[BLANK] * PAUSED], best=1 - 1e-9))
    before = [*LETTERS.encode(segment.text), LETTERS.ids[" "]]
    said = 0.7 * log_prob(letters, before, ended=False)

    def score(words: tuple[str, ...]) -> float:
        symbols = [*before, *LETTERS.encode(" ".join(words))]
        return 0.7 * log_prob(letters, symbols) + 0.9 * len(words) - said

    log_probs = random_log_probs(8, steps=5)
    assert decoding.feed(log_probs) == []
    ours = {tuple(s.hypothesis.text.split()): s.score for s in decoding.best(10_000)}
    assert_same(ours, all_texts(log_probs, LETTERS, score))


def test_a_cut_between_words_leaves_the_model_where_it_was(letters):
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(neural=letters), WEIGHTS)
    path = [2, 3, 1, 2, 3, 1, 3, 2]  # AB AB BA
    decoding = BeamDecoding(decoder, pause=100, longest=len(path))
    [segment] = decoding.feed(sharp_log_probs(path, best=0.9999))
    assert segment.text == "AB AB"
    assert LETTERS.decode(decoding.carried) == " BA"
    log_probs, states = letters.step(np.array([BLANK]), None)
    for symbol in path:
        log_probs, states = letters.step(np.array([symbol]), states)
    rows = decoding.state.rows
    assert rows is not None
    np.testing.assert_allclose(rows.states[0], states[0], atol=1e-5)
    np.testing.assert_allclose(rows.scores[0], 0.7 * log_probs[0], atol=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_pieces_give_the_segments_of_the_whole(letters, words_lm, seed, cuts, lexicon):
    rng = np.random.default_rng(seed)
    runs = rng.choice(4, 60), rng.choice([1, 2, 30], 60, p=[0.7, 0.2, 0.1])
    log_probs = sharp_log_probs(np.repeat(*runs), best=0.6)
    words = ["A", "AB", "BB"] if lexicon else None
    knowledge = Knowledge(words_lm, words, {"BA AB": 1.0}, letters)
    decoder = BeamDecoder(LETTERS, STEP, knowledge, config=BeamConfig(8))
    whole = segments(decoder, [log_probs])
    places = sorted(min(cut, len(log_probs)) for cut in cuts)
    assert segments(decoder, np.split(log_probs, places)) == whole
    assert joined(whole) == decode(decoder, log_probs)


def test_threads_change_nothing(letters):
    recordings = [random_log_probs(seed, 50, sharp=3.0) for seed in range(4)]
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(neural=letters))
    alone = [decode(decoder, recording) for recording in recordings]
    assert decode_many(decoder, recordings, threads=3) == alone


class Counted:
    """A model that keeps count of what it is asked."""

    def __init__(self, model: LanguageModel) -> None:
        self.model, self.vocabulary, self.batches = model, model.vocabulary, []

    def step(self, symbols: np.ndarray, states: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        self.batches.append(len(symbols))
        return self.model.step(symbols, states)


def test_prefixes_are_asked_for_together_and_once(letters):
    model = Counted(letters)
    log_probs = random_log_probs(0, 60)
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(neural=model), WEIGHTS, BeamConfig(40))
    decoding = BeamDecoding(decoder, 100, 100)
    decoding.feed(log_probs)
    decoding.finish()
    rows = decoding.state.rows
    assert rows is not None
    assert rows.count == sum(model.batches) > ROOM
    assert len(model.batches) <= len(log_probs) + 2  # the start, each step, the end
    held = decoding.state.room.arena["row"][: decoding.state.room.counts[NODES]]
    assert len(set(held[held >= 0].tolist())) == rows.count


def test_a_model_of_other_symbols_is_refused():
    words = make_model(Vocabulary.from_texts(["one two"], "symbol"))
    with pytest.raises(LanguageModelError, match="found one of symbols, expected characters"):
        BeamDecoder(LETTERS, STEP, Knowledge(neural=words))
    few = make_model(Vocabulary.from_texts(["A A"]))
    with pytest.raises(LanguageModelError, match="found no 'B' among its 2 symbols, and 0 more"):
        BeamDecoder(LETTERS, STEP, Knowledge(neural=few))


def test_a_symbol_the_model_lacks_is_its_unknown_one_where_it_has_one():
    model = make_model(Vocabulary((BLANK_SYMBOL, "<unk>", "K", "AH"), "symbol"))
    log_probs = random_log_probs(2)
    decoder = BeamDecoder(PHONES, STEP, Knowledge(neural=model), WEIGHTS, EVERYTHING)
    ids = [BLANK, 3, 1, 2]  # of AH, B, K
    by_symbol = cache(lambda symbols: 0.7 * log_prob(model, [ids[s] for s in symbols]))
    truth = all_texts(log_probs, PHONES, lambda words: 0.9 * len(words), by_symbol)
    assert_same(found(decoder, log_probs), truth)


@pytest.mark.parametrize("value", [-0.1, float("nan")])
def test_an_impossible_weight_is_refused(value):
    with pytest.raises(DecodingError, match=f"neural_weight: found {value}, expected"):
        Weights(neural_weight=value)


def test_beam_search_needs_no_torch():
    code = "import sys, audio_rnn.decoding.beam.decoder; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
