"""Word edges from loudness, gaps, and segmentation in a window that is too small."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.decoding.alignment import segmentation
from audio_rnn.decoding.alignment.edges import REACH, with_edges
from audio_rnn.decoding.alignment.gaps import find_gaps
from audio_rnn.decoding.alignment.segmentation import Place, sections, segment
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.decoding.words import Emission
from tests.decoding.alignment.spoken import LETTERS, sentences, speak

SPEECH, SILENCE = -20.0, -70.0


def loudness(seconds: float, *loud: tuple[float, float]) -> np.ndarray:
    values = np.full(round(seconds * 100), SILENCE, np.float32)
    for start, end in loud:
        values[round(start * 100) : round(end * 100)] = SPEECH
    return values


def times(words: list[Word]) -> list[tuple[float, float]]:
    return [(pytest.approx(word.start), pytest.approx(word.end)) for word in words]


def test_words_around_a_pause_end_with_their_sound():
    words = [Word("one", 0.2, 0.4, 1), Word("two", 1.3, 1.5, 1)]
    wide = with_edges(words, loudness(2, (0.15, 0.52), (1.22, 1.61)))
    assert times(wide) == [(0.15, 0.52), (1.22, 1.61)]


def test_close_words_meet_where_it_is_quietest():
    sound = loudness(2, (0.1, 0.52), (0.56, 1.0))
    words = [Word("one", 0.2, 0.4, 1), Word("two", 0.7, 0.9, 1)]
    wide = with_edges(words, sound)
    assert wide[0].end == wide[1].start == pytest.approx(0.52)


def test_nothing_reaches_far_into_sound_that_is_not_its_own():
    words = [Word("one", 1.0, 1.2, 1)]
    for loud in ((0.0, 3.0), (0.99, 1.21)):
        [wide] = with_edges(words, loudness(3, loud))
        assert wide.start + 1e-9 >= 1.0 - REACH
        assert wide.end <= 1.2 + REACH + 1e-9


steps = st.lists(st.integers(1, 40), min_size=2, max_size=12).filter(lambda n: len(n) % 2 == 0)


@given(steps, st.integers(0, 100))
def test_words_stay_in_order_and_keep_their_symbols(lengths, seed):
    edges = np.cumsum(lengths) * 0.03
    words = [Word("w", float(a), float(b), 1) for a, b in zip(edges[::2], edges[1::2])]
    values = np.random.default_rng(seed).uniform(-80, 0, round(edges[-1] * 100) + 20)
    wide = with_edges(words, values.astype(np.float32))
    for word, own in zip(wide, words, strict=True):
        assert 0 <= word.start <= own.start < own.end <= word.end
    assert all(one.end <= other.start for one, other in pairwise(wide))


def test_gaps_need_speech_that_lasts():
    path = [Emission(LETTERS.ids[c], 3 * i, 3 * i + 1, 0.0) for i, c in enumerate("speech in it")]
    lone = [Emission(LETTERS.ids["x"], step, step + 1, 0.0) for step in (100, 200)]
    [gap] = find_gaps([(2.9, 3.1)], path + lone, LETTERS, 0.03)
    assert (gap.start, gap.end) == (0.0, pytest.approx(0.03 * 34))
    assert gap.heard == "speech in it"
    assert find_gaps([(0.0, 1.2)], path + lone, LETTERS, 0.03) == []
    assert find_gaps([], [], LETTERS, 0.03) == []


def test_a_section_holds_no_symbol_of_a_neighbour():
    places = [Place(10, 20), None, Place(25, 40), Place(90, 95)]
    assert sections(places, 3, 0, 100) == [slice(7, 24), slice(0, 0), slice(24, 44), slice(87, 99)]
    assert sections(places, 10, 8, 98) == [slice(8, 25), slice(0, 0), slice(25, 51), slice(80, 98)]
    disordered = [Place(30, 40), Place(10, 20)]
    assert sections(disordered, 3, 0, 100) == [slice(27, 44), slice(10, 24)]


def test_a_table_that_would_be_too_large_moves_with_the_text(monkeypatch):
    texts = sentences(100)
    posteriors, steps = speak(texts, [2] * 101)
    ids = [LETTERS.encode(text) for text in texts]
    length = sum(map(len, ids)) + 101
    monkeypatch.setattr(segmentation, "CELLS", 1000 * length)
    assert len(posteriors.log_probs) > 5000
    found = segment(posteriors.log_probs, ids, 0, len(posteriors.log_probs))
    assert found == [Place(s[0], s[-1]) for s in steps]


def test_text_that_leaves_the_window_is_not_found(monkeypatch):
    posteriors, _ = speak(sentences(40), [2] * 41)
    ids = [LETTERS.encode(text) for text in sentences(30, seed=7)]
    monkeypatch.setattr(segmentation, "CELLS", 20 * (sum(map(len, ids)) + 31))
    assert segment(posteriors.log_probs, ids, 0, len(posteriors.log_probs)) == [None] * 30
