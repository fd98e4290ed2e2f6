"""Work on many numbered things that threads share among them."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import torch

LEAST, MOST = 8, 64  # things that are worth a thread, and that one works on side by side

Result = TypeVar("Result")


def share(
    work: Callable[[range, Event], list[Result]], count: int, threads: int | None = None
) -> list[Result]:
    """What becomes of the numbers from 0 to `count`, in their order.

    Args:
        work: of some of the numbers; it ends early, with whatever, once the event is set.
        threads: None for as many as torch would use.
    """
    threads = threads or torch.get_num_threads()
    size = min(max(math.ceil(count / threads), LEAST), MOST)
    parts = [range(first, min(first + size, count)) for first in range(0, count, size)]
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        try:
            done = list(pool.map(lambda part: work(part, stop), parts))
        finally:  # an error of one, or Ctrl-C, ends all
            stop.set()
    return [result for part in done for result in part]
