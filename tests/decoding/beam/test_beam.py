"""Beam search against all paths, its knowledge, its pieces, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder, Scored
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.decoder import LONGEST, PAUSE, decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.hypothesis import Hypothesis, joined
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from tests.decoding.beam.brute_force import all_texts

LETTERS = Vocabulary((BLANK_SYMBOL, " ", "A", "B"))
PHONES = Vocabulary((BLANK_SYMBOL, "AH", "B", "K"), "symbol")
PIECES = Vocabulary((BLANK_SYMBOL, "▁", "▁A", "B"), "piece")
STEP = 0.03
EVERYTHING = BeamConfig(beam_width=4000, step_symbols=9, symbol_floor=-1e9, beam_threshold=1e9)
WEIGHTS = Weights(lm_weight=0.7, word_bonus=0.9, unknown_cost=2.5, letter_cost=1.1)
TEXTS = ["A", "AB BA", "A AB", "BA A AB", "AB AB BA"]


def random_log_probs(seed: int, steps: int = 6, symbols: int = 4, sharp: float = 1.0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(size=(steps, symbols)) * sharp
    return np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).astype(np.float32)


def sharp_log_probs(path: Sequence[int], symbols: int = 4, best: float = 0.9) -> np.ndarray:
    probs = np.full((len(path), symbols), (1 - best) / (symbols - 1), np.float32)
    probs[np.arange(len(path)), path] = best
    return np.log(probs)


@pytest.fixture(scope="module")
def words_lm() -> NgramModel:
    return train(TEXTS, order=2)


@pytest.fixture(scope="module")
def letters_lm() -> NgramModel:
    return train([" ".join(text.replace(" ", "▁")) for text in TEXTS], order=3)


def found(decoder: BeamDecoder, log_probs: np.ndarray) -> dict[tuple[str, ...], float]:
    best = decoder.best(log_probs, 10_000)
    return {tuple(scored.hypothesis.text.split()): scored.score for scored in best}


def assert_same(ours: dict[tuple[str, ...], float], truth: dict[tuple[str, ...], float]) -> None:
    finite = {words: score for words, score in truth.items() if score > -np.inf}
    assert set(ours) == set(finite)
    for words, score in finite.items():
        assert ours[words] == pytest.approx(score, abs=1e-4), words


@pytest.mark.parametrize("vocabulary", [LETTERS, PHONES, PIECES], ids=lambda v: v.unit)
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_exact(vocabulary, seed):
    log_probs = random_log_probs(seed)
    decoder = BeamDecoder(vocabulary, STEP, config=EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, vocabulary, lambda words: 0.0))


def letters_of_its_own(word: str) -> int:
    """Letters beyond those that a known word begins with."""
    return sum(word[:n] not in ("A", "AB", "B", "BA") for n in range(1, len(word) + 1))


@pytest.mark.parametrize("vocabulary", [LETTERS, PIECES], ids=lambda v: v.unit)
@pytest.mark.parametrize("seed", range(3))
def test_scores_with_a_word_lm_are_exact(words_lm, seed, vocabulary):
    def score(words: tuple[str, ...]) -> float:
        unknown = [word for word in words if word not in ("A", "AB", "BA")]
        lm = sum(words_lm.score(words))
        cost = 2.5 * len(unknown) + 1.1 * sum(map(letters_of_its_own, unknown))
        return 0.7 * lm + 0.9 * len(words) - cost

    log_probs = random_log_probs(seed)
    decoder = BeamDecoder(vocabulary, STEP, Knowledge(words_lm), WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, vocabulary, score))


def test_scores_with_an_lm_over_words_as_symbols_are_exact():
    lm = train(["AH B", "B AH K", "K AH"], order=2)
    log_probs = random_log_probs(5)
    decoder = BeamDecoder(PHONES, STEP, Knowledge(lm), WEIGHTS, EVERYTHING)
    truth = all_texts(
        log_probs, PHONES, lambda words: 0.7 * sum(lm.score(words)) + 0.9 * len(words)
    )
    assert_same(found(decoder, log_probs), truth)


def test_scores_with_a_lexicon_are_exact(words_lm):
    def score(words: tuple[str, ...]) -> float:
        if not set(words) <= {"AB", "B"}:
            return -np.inf
        return 0.7 * sum(words_lm.score(words)) + 0.9 * len(words) - 2.5 * words.count("B")

    log_probs = random_log_probs(3)
    knowledge = Knowledge(words_lm, lexicon=["AB", "B"])
    decoder = BeamDecoder(LETTERS, STEP, knowledge, WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


def test_scores_with_a_letter_lm_are_exact(letters_lm):
    log_probs = random_log_probs(1)
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(letters_lm), WEIGHTS, EVERYTHING)
    truth = all_texts(
        log_probs,
        LETTERS,
        lambda words: 0.7 * sum(letters_lm.score(list("▁".join(words)))) + 0.9 * len(words),
    )
    assert_same(found(decoder, log_probs), truth)


def test_hotwords_are_worth_their_letters_once_complete():
    boost = {"AB": 1.5, "B A": 2.0}

    def score(words: tuple[str, ...]) -> float:
        pairs = sum(pair == ("B", "A") for pair in pairwise(words))
        return 3.0 * words.count("AB") + 4.0 * pairs

    log_probs = random_log_probs(2)
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(hotwords=boost), config=EVERYTHING)
    assert_same(found(decoder, log_probs), all_texts(log_probs, LETTERS, score))


def test_a_hotword_outside_the_lexicon_can_be_written():
    log_probs = sharp_log_probs([2, 3, 0], best=0.6)
    closed = BeamDecoder(LETTERS, STEP, Knowledge(lexicon=["BA"]))
    opened = BeamDecoder(LETTERS, STEP, Knowledge(lexicon=["BA"], hotwords={"AB": 1.0}))
    assert decode(closed, log_probs).text != "AB"
    assert decode(opened, log_probs).text == "AB"


def test_only_words_of_the_lexicon_are_written():
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(lexicon=["ABBA", "B"]))
    for seed in range(20):
        text = decode(decoder, random_log_probs(seed, 40, sharp=3.0)).text
        assert set(text.split()) <= {"ABBA", "B"}


def test_a_search_bound_to_a_lexicon_looks_for_unlikely_symbols():
    log_probs = np.log(
        np.array([[0.01, 0.001, 0.988, 0.001], [0.009, 1e-6, 0.9905, 5e-4]], np.float32)
    )
    knowledge = Knowledge(lexicon=["AB"])
    near = BeamDecoder(LETTERS, STEP, knowledge)
    assert decode(near, log_probs).text == ""
    far = BeamDecoder(LETTERS, STEP, knowledge, config=BeamConfig.for_lexicon())
    assert decode(far, log_probs).text == "AB"


def test_an_open_word_is_not_dropped_for_the_bonus_of_one_that_has_ended(words_lm):
    probs = np.array([[0.05, 0.03, 0.9, 0.02], [0.7, 0.2, 0.05, 0.05], [0.07, 0.03, 1e-5, 0.9]])
    decoder = BeamDecoder(
        LETTERS,
        STEP,
        Knowledge(words_lm, lexicon=["A", "AB"]),
        Weights(lm_weight=0.1, word_bonus=6.0),
        BeamConfig(beam_threshold=3.0),
    )
    assert decode(decoder, np.log(probs).astype(np.float32)).text == "AB"


def test_an_unfinished_word_of_a_lexicon_is_left_out():
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(lexicon=["ABBA"]), config=BeamConfig(2))
    assert decode(decoder, sharp_log_probs([2, 3, 0, 0, 3, 0], best=0.99)).text == ""


def segments(decoder: BeamDecoder, pieces: Sequence[np.ndarray]) -> list[Hypothesis]:
    decoding = decoder.start()
    done = [segment for piece in pieces for segment in decoding.feed(piece)]
    return done + decoding.finish()


@settings(max_examples=30)
@given(st.integers(0, 1000), st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_pieces_give_the_segments_of_the_whole(words_lm, seed, cuts, lexicon):
    rng = np.random.default_rng(seed)
    runs = rng.choice(4, 60), rng.choice([1, 2, 30], 60, p=[0.7, 0.2, 0.1])
    log_probs = sharp_log_probs(np.repeat(*runs), best=0.6)
    knowledge = Knowledge(words_lm, ["A", "AB", "BB"] if lexicon else None, {"BA AB": 1.0})
    decoder = BeamDecoder(LETTERS, STEP, knowledge, config=BeamConfig(8))
    whole = segments(decoder, [log_probs])
    places = sorted(min(cut, len(log_probs)) for cut in cuts)
    assert segments(decoder, np.split(log_probs, places)) == whole
    assert joined(whole) == decode(decoder, log_probs)


def test_a_step_where_no_symbol_is_likely_still_tries_the_best():
    log_probs = np.log(np.array([[0.1, 0.2, 0.4, 0.3], [0.7, 0.1, 0.1, 0.1]], np.float32))
    decoder = BeamDecoder(LETTERS, STEP, config=BeamConfig(symbol_floor=-0.5))
    assert decode(decoder, log_probs).text == "A"


def test_a_clear_recording_gives_the_words_and_times_of_greedy_decoding():
    rng = np.random.default_rng(0)
    symbols = rng.choice(4, 300)
    lengths = np.where(symbols == 0, rng.choice([1, 2, 30], 300), rng.choice([1, 2], 300))
    log_probs = sharp_log_probs(np.repeat(symbols, lengths), best=0.999)
    ours = decode(BeamDecoder(LETTERS, STEP), log_probs)
    greedy = decode(GreedyDecoder(LETTERS, STEP), log_probs)
    assert ours.text == greedy.text
    for word, expected in zip(ours.words, greedy.words, strict=True):
        assert (word.start, word.end) == pytest.approx(
            (expected.start, expected.end), abs=1.01 * STEP
        )
        assert 0 < word.confidence <= 1


def test_confidence_is_low_where_two_words_compete():
    log_probs = sharp_log_probs([2, 0, 1, 3, 0], best=0.97)
    log_probs[0] = np.log([0.02, 0.02, 0.5, 0.46])
    words = decode(BeamDecoder(LETTERS, STEP), log_probs).words
    assert [word.text for word in words] == ["A", "B"]
    assert words[0].confidence < 0.7 * words[1].confidence


def test_speech_without_a_pause_stays_bounded_and_whole():
    steps = round(3.3 * LONGEST / STEP)
    path = ([2, 1, 3, 3, 1] * steps)[:steps]
    decoder = BeamDecoder(LETTERS, STEP, config=BeamConfig(4))
    decoding = decoder.start()
    done, most = [], 0
    for row in np.array_split(sharp_log_probs(path, best=0.95), 50):
        done += decoding.feed(row)
        most = max(most, sum(map(len, decoding.held)))
    done += decoding.finish()
    assert most <= LONGEST / STEP + steps / 50 + 1
    assert joined(done).text == decode(GreedyDecoder(LETTERS, STEP), sharp_log_probs(path)).text


def test_boosts_that_add_up_stay_finite():
    """Each of two hundred words earns 200 nats, of which a floating-point number holds 709."""
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(hotwords={"AB": 100.0}), config=BeamConfig(8))
    best = decoder.best(sharp_log_probs([2, 3, 1] * 200), 1)[0]
    assert best.score == pytest.approx(200 * 200, rel=0.02)


def test_a_pause_makes_a_segment_final():
    pause = round(PAUSE / STEP)
    decoding = BeamDecoder(LETTERS, STEP).start()
    assert decoding.feed(sharp_log_probs([2, 3, *[0] * (pause - 1)])) == []
    assert decoding.partial().text == "AB"
    assert [segment.text for segment in decoding.feed(sharp_log_probs([0]))] == ["AB"]
    assert decoding.partial().text == ""
    assert decoding.finish() == []


def test_the_best_texts_come_in_order_and_their_shares_sum_to_one():
    best = BeamDecoder(LETTERS, STEP).best(random_log_probs(0, 12), 5)
    assert len({scored.hypothesis.text for scored in best}) == 5
    assert [s.score for s in best] == sorted((s.score for s in best), reverse=True)
    assert 0 < sum(scored.posterior for scored in best) <= 1


def test_nothing_said_is_an_empty_text():
    decoder = BeamDecoder(LETTERS, STEP)
    for steps in (0, 1, 500):
        assert decode(decoder, sharp_log_probs([0] * steps, best=0.999)) == Hypothesis("", [], 1.0)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"beam_width": 0}, "beam_width: found 0, expected 1 or more"),
        ({"beam_width": 1_000_000}, "beam_width: found 1000000, expected 10000 at most"),
        ({"step_symbols": -1}, "step_symbols: found -1"),
        ({"beam_threshold": 0.0}, "beam_threshold: found 0.0"),
        ({"symbol_floor": 1.0}, "symbol_floor: found 1.0"),
    ],
)
def test_impossible_settings_are_refused(settings_, message):
    with pytest.raises(DecodingError, match=message):
        BeamConfig(**settings_)


@pytest.mark.parametrize(
    ("knowledge", "message"),
    [
        (Knowledge(hotwords={" ": 1.0}), "hotword: found ' ', expected a word"),
        (Knowledge(hotwords={"A": float("nan")}), "found boost nan"),
        (Knowledge(hotwords={"AC": 1.0}), "'AC': 'C' is not among"),
        (Knowledge(lexicon=["AX"]), "lexicon: word 'AX': 'X' is not among"),
        (Knowledge(lexicon=[]), "lexicon: found no word"),
    ],
)
def test_words_that_cannot_be_spelled_are_refused(knowledge, message):
    with pytest.raises(DecodingError, match=message):
        BeamDecoder(LETTERS, STEP, knowledge)


def test_a_language_model_of_another_alphabet_is_refused():
    with pytest.raises(LanguageModelError, match="found 0 of 2 words that the model can write"):
        BeamDecoder(LETTERS, STEP, Knowledge(train(["one two"], order=2)))


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(DecodingError, match="NaN at step 1"):
        decode(BeamDecoder(LETTERS, STEP), np.array([[0, 0, 0, 0], [np.nan, 0, 0, 0]], np.float32))


def test_a_second_process_does_not_compile_again():
    code = (
        "import time, numpy as np\n"
        "from audio_rnn.decoding.beam.decoder import BeamDecoder\n"
        "from audio_rnn.decoding.decoder import decode\n"
        "from audio_rnn.vocabulary import Vocabulary\n"
        "decoder = BeamDecoder(Vocabulary(('<blank>', ' ', 'A')), 0.03)\n"
        "decode(decoder, np.log(np.full((9, 3), 1 / 3, np.float32)))\n"
        "from audio_rnn.decoding.beam.search import search\n"
        "print(sum(search.stats.cache_misses.values()), sum(search.stats.cache_hits.values()))\n"
    )
    root = Path(__file__).parents[3]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
        )
    assert done.stdout.split() == ["0", "1"]


def test_scored_is_what_best_gives():
    assert isinstance(BeamDecoder(LETTERS, STEP).best(random_log_probs(0), 1)[0], Scored)
