"""Worker processes that outlive the SIGTERM of a scheduler, which goes to every process of a job."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

GRACE = 30  # seconds after SIGTERM in which the training process saves and ends its workers


def started(loader: DataLoader[Any]) -> Iterator[Any]:
    """An iterator over a loader, whose `worker_init_fn` is `outlive`.

    No worker meets the signal before it is ready for it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # workers begin with it blocked, too
    try:
        return iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def outlive(worker: int) -> None:
    """End a while after SIGTERM, in place of at once."""
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
