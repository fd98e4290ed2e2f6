"""What a piece says when it repeats itself: checked against a search that is plain."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.data.repeats import longest_matches, recall
from tests.data.test_rolls import random_roll


def plain(names: list[int], now: int) -> tuple[int, int]:
    """The latest place before which most agrees with what is before `now`, and how much does."""
    found = (0, 0)
    for place in range(1, now):
        length = 0
        while length < place and names[place - 1 - length] == names[now - 1 - length]:
            length += 1
        found = max(found, (length, place))
    return found if found[0] else (0, 0)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 2), max_size=25))
def test_the_longest_match_is_that_of_a_plain_search(names: list[int]) -> None:
    places, lengths = longest_matches(np.array(names, np.int64))
    found = list(zip(lengths.tolist(), places.tolist()))
    assert found == [plain(names, now) for now in range(len(names))]


def test_a_piece_played_twice_is_recalled_to_its_end() -> None:
    once = random_roll(20, voices=2)
    recalled, lengths = recall(np.concatenate([once, once]))
    assert np.array_equal(recalled[21:], once[1:])
    assert lengths[21:].tolist() == list(range(1, 20))


def test_a_frame_is_recalled_by_those_before_it_only() -> None:
    roll = np.concatenate([random_roll(15)] * 2)
    changed = roll.copy()
    changed[20:] = random_roll(10, seed=5)
    for a, b in zip(recall(roll), recall(changed)):
        assert np.array_equal(a[:21], b[:21])


def test_nothing_is_recalled_of_what_was_never_heard() -> None:
    recalled, lengths = recall(np.eye(6, 88, dtype=np.uint8)[:, np.newaxis])
    assert not recalled.any() and not lengths.any()
