"""Best path decoding against a loop, and its words, times and confidences by hand."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.decoding.decoder import LONGEST, PAUSE, decode
from audio_rnn.decoding.greedy import GreedyDecoder, best_path
from audio_rnn.decoding.hypothesis import Hypothesis, Word, joined
from audio_rnn.decoding.words import Emission
from audio_rnn.errors import DecodingError
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, Vocabulary

LETTERS = Vocabulary((BLANK_SYMBOL, " ", "A", "B"))
PHONES = Vocabulary((BLANK_SYMBOL, "AH", "B"), "symbol")
PIECES = Vocabulary((BLANK_SYMBOL, "▁", "▁GO", "ING", "▁S"), "piece")
STEP = 0.03  # seconds


def log_probs_of(path: list[int], symbols: int, best: float = 0.7) -> np.ndarray:
    """(steps, symbols) in which `path` is the best one, each step with probability `best`."""
    probs = np.full((len(path), symbols), (1 - best) / (symbols - 1), dtype=np.float32)
    probs[np.arange(len(path)), path] = best
    return np.log(probs)


def greedy(log_probs: np.ndarray, vocabulary: Vocabulary, step: float) -> Hypothesis:
    return decode(GreedyDecoder(vocabulary, step), log_probs)


def text_of(path: list[int], vocabulary: Vocabulary = LETTERS) -> str:
    return greedy(log_probs_of(path, len(vocabulary)), vocabulary, STEP).text


def naive_text(path: list[int], vocabulary: Vocabulary) -> str:
    """Join repeats, drop blanks, read the text, one space between words."""
    ids = [symbol for symbol, _ in groupby(path) if symbol != BLANK]
    return " ".join(vocabulary.decode(ids).split())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([], ""),
        ([0, 0], ""),
        ([2], "A"),
        ([2, 2, 2], "A"),
        ([2, 0, 2], "AA"),
        ([0, 2, 2, 3, 0], "AB"),
        ([2, 1, 3], "A B"),
        ([2, 1, 1, 3], "A B"),
        ([2, 1, 0, 1, 3], "A B"),
        ([1, 2, 1], "A"),
        ([0, 1, 0, 2, 0, 1, 0], "A"),
        ([1, 1], ""),
    ],
)
def test_characters(path, text):
    assert text_of(path) == text


@pytest.mark.parametrize(
    ("path", "text"), [([1, 1, 2], "AH B"), ([1, 0, 1], "AH AH"), ([0, 2, 0], "B"), ([], "")]
)
def test_symbols(path, text):
    assert text_of(path, PHONES) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [([2, 3], "GOING"), ([3, 2], "ING GO"), ([1, 3], "ING"), ([1], ""), ([2, 1, 4], "GO S")],
)
def test_pieces(path, text):
    assert text_of(path, PIECES) == text


@given(st.lists(st.integers(0, 3), max_size=30))
def test_text_is_that_of_a_loop(path):
    assert text_of(path) == naive_text(path, LETTERS)
    phones = [min(symbol, 2) for symbol in path]
    assert text_of(phones, PHONES) == naive_text(phones, PHONES)
    assert text_of(path, PIECES) == naive_text(path, PIECES)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_words_lie_in_order_inside_the_audio(path):
    words = greedy(log_probs_of(path, 4), LETTERS, STEP).words
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(word.start < word.end and word.text for word in words)
    assert not times or (times[0] >= 0 and times[-1] <= len(path) * STEP)


def test_emissions_carry_their_steps_and_highest_probability():
    probs = np.array([[0.2, 0.8], [0.1, 0.9], [0.6, 0.4], [0.3, 0.7]], dtype=np.float32)
    first, second = best_path(np.log(probs))
    assert first == Emission(1, 0, 2, pytest.approx(np.log(0.9)))
    assert second == Emission(1, 3, 4, pytest.approx(np.log(0.7)))


def test_words_have_times_and_confidences():
    log_probs = log_probs_of([0, 2, 2, 0, 3, 1, 0, 3], 4)
    log_probs[4] = np.log([0.05, 0.02, 0.03, 0.9])
    hypothesis = greedy(log_probs, LETTERS, 0.1)
    first = Word("AB", pytest.approx(0.1), 0.5, pytest.approx(np.sqrt(0.7 * 0.9)))  # geometric mean
    assert hypothesis.words == [
        first,
        Word("B", pytest.approx(0.7), pytest.approx(0.8), pytest.approx(0.7)),
    ]
    assert hypothesis.confidence == pytest.approx((np.sqrt(0.63) + 0.7) / 2)
    assert hypothesis.text == "AB B"


def test_nothing_said_is_an_empty_text():
    assert greedy(log_probs_of([0, 0, 0], 4), LETTERS, STEP).words == []
    assert greedy(np.zeros((0, 4), np.float32), LETTERS, STEP).confidence == 1


LONG_PAUSE = round(PAUSE / STEP)


def segments(pieces: list[np.ndarray], vocabulary: Vocabulary = LETTERS) -> list[Hypothesis]:
    decoding = GreedyDecoder(vocabulary, STEP).start()
    found = [segment for piece in pieces for segment in decoding.feed(piece)]
    return found + decoding.finish()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 2, LONG_PAUSE])), max_size=12),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_pieces_give_the_segments_of_the_whole(runs, cuts):
    log_probs = log_probs_of([symbol for symbol, n in runs for _ in range(n)], 4)
    whole = segments([log_probs])
    assert segments(np.split(log_probs, sorted(min(cut, len(log_probs)) for cut in cuts))) == whole
    assert joined(whole) == greedy(log_probs, LETTERS, STEP)


def test_a_pause_ends_a_segment_and_a_word():
    pause = [0] * LONG_PAUSE
    found = segments([log_probs_of([2, *pause, 3, *pause[1:], 3], 4)])
    assert [segment.text for segment in found] == ["A", "BB"]


def test_a_segment_is_final_once_the_pause_is_over():
    decoding = GreedyDecoder(LETTERS, STEP).start()
    assert decoding.feed(log_probs_of([2] + [0] * (LONG_PAUSE - 1), 4)) == []
    assert decoding.partial().text == "A"
    assert [segment.text for segment in decoding.feed(log_probs_of([0], 4))] == ["A"]
    assert decoding.partial().text == ""
    assert decoding.finish() == []


def test_speech_without_a_pause_is_cut_between_words():
    found = segments([log_probs_of([2, 1] * round(2.5 * LONGEST / STEP / 2), 4)])
    assert len(found) == 3
    assert max(len(segment.words) for segment in found) <= LONGEST / STEP / 2 + 1


def test_a_value_that_is_no_number_is_refused():
    log_probs = log_probs_of([1, 2], 4)
    log_probs[1, 1] = np.nan
    with pytest.raises(DecodingError, match="NaN at step 1"):
        greedy(log_probs, LETTERS, STEP)


@pytest.mark.parametrize("shape", [(5, 3), (5,), (1, 5, 4)])
def test_another_shape_is_refused(shape):
    with pytest.raises(DecodingError, match=r"expected \(steps, 4\)"):
        greedy(np.zeros(shape, np.float32), LETTERS, STEP)
