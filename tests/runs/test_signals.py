"""Signals while something is read."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from audio_rnn.runs import signals
from audio_rnn.runs.signals import Interrupted, Interrupts


def reading(seconds: float, whole: list[int]) -> Iterator[int]:
    """Items that take so long, of which the first is under way when a signal comes."""
    for item in range(3):
        if item == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        whole.append(item)
        yield item


def test_what_is_under_way_when_a_signal_comes_is_read_to_its_end_and_left() -> None:
    whole: list[int] = []
    with Interrupts() as interrupts:
        assert list(interrupts.awaited(reading(0.05, whole))) == []
        assert interrupts.received == signal.SIGTERM
        assert list(interrupts.awaited(iter([1, 2]))) == [1, 2]  # what a step may still need
    with Interrupts() as interrupts, pytest.raises(Interrupted):
        list(interrupts.heeded(reading(0.05, whole)))
    assert whole == [0, 0]


def test_what_hangs_after_a_signal_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE", 0.2)
    whole: list[int] = []
    former = signal.getsignal(signal.SIGALRM)
    with Interrupts() as interrupts:
        assert list(interrupts.awaited(reading(60, whole))) == []
        assert list(interrupts.awaited(time.sleep(60) for _ in "another wait")) == []
        next(interrupts.awaited(iter([1])))  # starts the clock again
    assert not whole and signal.getsignal(signal.SIGALRM) is former
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_is_computed_after_a_signal_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE", 0.1)
    with Interrupts() as interrupts:
        assert list(interrupts.awaited(reading(0, []))) == []
        time.sleep(0.2)  # the clock of the wait runs out
        assert [time.sleep(0.2) for _ in interrupts.awaited(iter([1, 2]))] == [None, None]
