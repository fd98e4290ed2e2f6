"""Error counts against cases counted by hand and jiwer's own rates."""

from __future__ import annotations

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.metrics.text import ErrorCounts, character_errors, word_errors

sentences = st.lists(st.sampled_from(["A", "B", "CD", "EF"]), max_size=6).map(" ".join)
pairs = st.lists(st.tuples(sentences, sentences), max_size=5)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("A B C", "A B C", ErrorCounts(3, 0, 0, 0)),
        ("A B C", "A X C", ErrorCounts(2, 1, 0, 0)),
        ("A B C", "A C", ErrorCounts(2, 0, 1, 0)),
        ("A B C", "A B B C", ErrorCounts(3, 0, 0, 1)),
        ("A B C", "", ErrorCounts(0, 0, 3, 0)),
        ("", "A B", ErrorCounts(0, 0, 0, 2)),
        (" ", "", ErrorCounts()),
        ("", "", ErrorCounts()),
        ("A", "  A ", ErrorCounts(1, 0, 0, 0)),
    ],
)
def test_words_counted_by_hand(reference, hypothesis, counts):
    assert word_errors([reference], [hypothesis]) == counts


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("AB C", "AB C", ErrorCounts(4, 0, 0, 0)),
        ("AB C", "ABC", ErrorCounts(3, 0, 1, 0)),
        ("", "AB", ErrorCounts(0, 0, 0, 2)),
        ("AB", "", ErrorCounts(0, 0, 2, 0)),
    ],
)
def test_characters_counted_by_hand(reference, hypothesis, counts):
    assert character_errors([reference], [hypothesis]) == counts


def test_rates():
    assert ErrorCounts(6, 1, 2, 1).rate == pytest.approx(4 / 9)
    assert ErrorCounts().rate == 0
    assert ErrorCounts(insertions=2).rate == 2


@given(pairs)
def test_counts_of_parts_add_up_to_the_whole(pairs):
    for count in (word_errors, character_errors):
        parts = [count([reference], [hypothesis]) for reference, hypothesis in pairs]
        whole = count([r for r, _ in pairs], [h for _, h in pairs])
        assert sum(parts, ErrorCounts()) == whole
        assert whole.references == sum(count([r], [r]).hits for r, _ in pairs)


@given(pairs.filter(lambda pairs: any(reference for reference, _ in pairs)))
def test_rates_are_jiwer_s(pairs):
    references, hypotheses = map(list, zip(*pairs, strict=True))
    assert word_errors(references, hypotheses).rate == jiwer.wer(references, hypotheses)
    assert character_errors(references, hypotheses).rate == jiwer.cer(references, hypotheses)


def test_lists_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="must match"):
        word_errors(["A", "B"], ["A"])
