"""Where a text and what is heard agree, and how a text is cut there."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.decoding.alignment.anchors import Anchor, _longest_increasing, find_anchors
from audio_rnn.decoding.alignment.pieces import pieces
from audio_rnn.decoding.greedy import best_path
from audio_rnn.decoding.words import Emission
from tests.decoding.alignment.spoken import LETTERS, sentences, speak


def heard(text: str, first_step: int = 0) -> list[Emission]:
    """A letter every three steps."""
    ids = LETTERS.encode(text)
    return [Emission(s, first_step + 3 * i, first_step + 3 * i + 1, 0.0) for i, s in enumerate(ids)]


@given(st.permutations(range(7)))
def test_the_longest_increasing_subsequence(values):
    kept = _longest_increasing(values)
    chosen = [values[i] for i in kept]
    assert kept == sorted(kept)
    assert chosen == sorted(chosen)
    longest = max(n for n in range(1, 8) for c in combinations(values, n) if list(c) == sorted(c))
    assert len(chosen) == longest


def test_anchors_name_the_step_of_their_symbol():
    text = "the quick brown fox"
    anchors = find_anchors(LETTERS.encode(text), heard("um " + text), 8)
    assert anchors == [Anchor(p, 3 * (p + 3)) for p in range(4, len(text) - 3)]


def test_what_is_said_twice_or_out_of_order_is_no_anchor():
    assert find_anchors(LETTERS.encode("abcdefgh"), heard("abcdefgh abcdefgh"), 8) == []
    text = "abcdefgh ijklmnopqrst"
    anchors = find_anchors(LETTERS.encode(text), heard("ijklmnopqrst abcdefgh"), 8)
    assert [a.position for a in anchors] == [13, 14, 15, 16, 17]
    assert find_anchors([], [], 8) == []


def test_a_phrase_that_is_said_elsewhere_is_no_anchor():
    one, other, more = (
        " ".join(sentences(9, 2)),
        " ".join(sentences(9, 3)),
        " ".join(sentences(9, 4)),
    )
    phrase = "as a matter of fact "
    written = one + phrase + other
    path = heard(one + other + more + phrase + more[::-1])
    positions = [a.position for a in find_anchors(LETTERS.encode(written), path, 16)]
    inside = range(len(one), len(one) + len(phrase))
    assert not set(positions) & set(inside)
    assert min(positions) < len(one) < max(positions)


def test_pieces_cover_all_utterances_and_hold_their_steps():
    texts = sentences(40)
    posteriors, steps = speak(texts, [10] * 41)
    ids = [LETTERS.encode(text) for text in texts]
    ids[7] = LETTERS.encode("that is not what is heard there")
    made = list(pieces(ids, best_path(posteriors.log_probs), len(posteriors.log_probs)))
    assert [u for p in made for u in range(p.first, p.last)] == list(range(40))
    for piece in made:
        assert piece.start <= steps[piece.first][0]
        assert steps[piece.last - 1][-1] < piece.end
        if piece.tail:
            assert list(piece.tail) == ids[piece.first - 1][-len(piece.tail) :]
            assert steps[piece.first - 1][-len(piece.tail)] == piece.start
        if piece.head:
            assert list(piece.head) == ids[piece.last][: len(piece.head)]
            assert steps[piece.last][len(piece.head) - 1] == piece.end - 1
    assert [piece.first for piece in made if piece.tail and piece.head] == [7]
    assert sum(p.end - p.start for p in made) < 2.5 * len(posteriors.log_probs)


def test_a_text_without_an_anchor_is_one_piece():
    posteriors, _ = speak(sentences(5), [3] * 6)
    ids = [LETTERS.encode(text) for text in sentences(5, seed=8)]
    [piece] = pieces(ids, best_path(posteriors.log_probs), len(posteriors.log_probs))
    assert (piece.first, piece.last) == (0, 5)
    assert (piece.start, piece.end) == (0, len(posteriors.log_probs))
