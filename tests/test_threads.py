"""Two computations at once: beside each other, with the modes of the thread that asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context
from threading import Barrier, BrokenBarrierError, Event, current_thread

import pytest
import torch

from audio_rnn import threads
from audio_rnn.threads import at_once, cores, two_at_once, use_threads


@pytest.fixture(autouse=True)
def two() -> Iterator[None]:
    use_threads(2)
    yield
    use_threads(1)


def test_each_waits_for_the_other_and_both_end() -> None:
    barrier = Barrier(2, timeout=30)
    here = current_thread().name
    first, second = at_once(
        lambda: (barrier.wait(), current_thread().name),
        lambda: (barrier.wait(), current_thread().name),
    )
    assert first[1] == here != second[1]


def test_one_thread_computes_one_after_the_other() -> None:
    use_threads(1)
    assert not two_at_once()
    names = at_once(lambda: current_thread().name, lambda: current_thread().name)
    assert set(names) == {current_thread().name}


@pytest.mark.parametrize("learns", [True, False])
def test_the_other_thread_has_the_modes_of_this_one(learns: bool) -> None:
    def modes() -> tuple[object, ...]:
        return (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
        )

    with torch.set_grad_enabled(learns), torch.autocast("cpu", torch.float16, enabled=learns):
        first, second = at_once(modes, modes)
        assert first == second == (learns, False, learns, torch.float16)
    with torch.inference_mode():
        assert at_once(modes, modes)[1][:2] == (False, True)


def test_an_error_of_one_comes_when_the_other_has_ended() -> None:
    begun, ended = Event(), Event()

    def fail() -> None:
        begun.wait(30)
        raise ValueError("here")

    def slow() -> None:
        begun.set()
        with pytest.raises(BrokenBarrierError):
            Barrier(2).wait(0.2)
        ended.set()

    with pytest.raises(ValueError, match="here"):
        at_once(fail, slow)
    assert ended.is_set()
    with pytest.raises(ZeroDivisionError):
        at_once(lambda: 1, lambda: 1 / 0)
    assert at_once(lambda: 1, lambda: 2) == (1, 2)


def test_a_forked_process_has_a_thread_of_its_own() -> None:
    assert at_once(lambda: 1, lambda: 2) == (1, 2)
    with get_context("fork").Pool(1) as pool:
        assert pool.apply_async(at_once_there).get(30) == ("MainThread", "beside_0")


def at_once_there() -> tuple[str, str]:
    return at_once(lambda: current_thread().name, lambda: current_thread().name)


def test_half_of_many_share_products(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    for count in (1, 2, 3, 4, 8):
        use_threads(count)
        assert two_at_once() == (count > 1)
    assert told == [1, 1, 1, 2, 4]
    monkeypatch.setattr(threads, "cores", lambda: 6)
    use_threads(None)
    assert told[-1] == 3
    assert cores() >= 1
