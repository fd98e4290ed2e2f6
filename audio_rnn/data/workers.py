"""Worker processes that outlive the SIGTERM of a scheduler, but not the training they read for."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from multiprocessing import parent_process
from typing import Any

from torch.utils.data import DataLoader

from audio_rnn.errors import TrainingError

GRACE = 30  # seconds after SIGTERM in which the training process saves and ends its workers
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def started(loader: DataLoader[Any]) -> Iterator[Any]:
    """What a loader, whose `worker_init_fn` is `outlive`, gives.

    Raises: TrainingError when a worker dies, a few seconds after that.
    """
    batches = _begun(loader)
    try:
        yield from batches
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            "a process that reads data was killed, perhaps for lack of memory; lower "
            "batches.workers, or set it to 0, and run the same command again"
        ) from None


def _begun(loader: DataLoader[Any]) -> Iterator[Any]:
    """No worker meets the signal before it is ready for it, and none that dies raises an error in
    the middle of a step, as torch's handler would: the next batch does."""
    former = signal.getsignal(signal.SIGCHLD)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # workers begin with it blocked, too
    try:
        return iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        if signal.getsignal(signal.SIGCHLD) is not former:
            signal.signal(signal.SIGCHLD, former or signal.SIG_DFL)


def outlive(worker: int) -> None:
    """End a while after SIGTERM, in place of at once, and at once with the training process.

    A worker left behind by one that was killed would keep its run folder locked.
    """
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    parent = parent_process()
    if parent is not None and os.getppid() != parent.pid:  # it was killed before this
        os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
