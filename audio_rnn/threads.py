"""How many threads of the CPU this process computes with, and two computations at once on two of them.

torch is imported when it is needed: commands say how many threads they want before they import it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")

_two = False
_pool: ThreadPoolExecutor


def _make_pool() -> None:
    """One thread, which begins when it is first needed."""
    global _pool
    _pool = ThreadPoolExecutor(1, thread_name_prefix="beside")


_make_pool()
# Threads are not forked, and would be waited for; nothing is on Windows.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_make_pool)


def use_threads(count: int | None) -> None:
    """Compute with so many threads from now on; None: one for each core that this process may use.

    A second one lets two computations run `at_once`. Beyond that, torch shares products of matrices
    among half of them, which changes last digits; one and two give the same.
    """
    import torch

    count = count or cores()
    take_second(count > 1)
    torch.set_num_threads(max(1, count // 2))


def take_second(wanted: bool = True) -> None:
    """Let two computations run `at_once`, or not, and leave torch's threads as they are."""
    global _two
    _two = wanted


def cores() -> int:
    """Those of the CPU that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on a Mac
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def two_at_once() -> bool:
    """Whether there is a thread for a second computation."""
    return _two


def at_once(
    first: Callable[[], First], second: Callable[[], Second], device: str = "cpu"
) -> tuple[First, Second]:
    """What both return, computed beside each other where there is a thread for it; a GPU needs none.

    They are short, lest Ctrl-C wait for them, share no random numbers, and change nothing that the other
    one reads.
    """
    if not _two or device != "cpu":
        return first(), second()
    future: Future[Second] = _pool.submit(_as_here(second))
    try:
        result = first()
    finally:  # nothing goes on beyond an error
        wait([future])
    return result, future.result()


def _as_here(function: Callable[[], Second]) -> Callable[[], Second]:
    """The function with this thread's modes of torch, which another one does not share."""
    import torch

    learns, infers = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    halves, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run() -> Second:
        with (
            torch.inference_mode(infers),
            torch.set_grad_enabled(learns),
            torch.autocast("cpu", dtype, enabled=halves),
        ):
            return function()

    return run
