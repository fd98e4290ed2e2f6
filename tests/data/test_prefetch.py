"""Reading ahead: the same items, one of them early, errors in their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from audio_rnn.data.prefetch import ahead
from audio_rnn.errors import ShardError


def test_the_same_items_and_at_most_one_more_is_made():
    made: list[int] = []

    def items() -> Iterator[int]:
        for n in range(5):
            made.append(n)
            yield n

    taken = []
    for n in ahead(items()):
        time.sleep(0.02)
        assert made == list(range(min(n + 2, 5)))
        taken.append(n)
    assert taken == list(range(5))
    assert list(ahead(iter([]))) == []


def test_an_error_comes_after_what_was_made_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ShardError("a.tar: truncated")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ShardError, match=r"a\.tar: truncated"):
        next(found)


def test_who_stops_taking_leaves_nothing_behind():
    closed, others = threading.Event(), set(threading.enumerate())

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    found = ahead(items())
    next(found)
    found.close()
    del found
    assert closed.wait(10)
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive()
