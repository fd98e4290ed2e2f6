"""Worker processes that outlive the signals that stop a training, which go to all of its processes: from
a scheduler, a terminal or torchrun."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

from torch.utils.data import DataLoader

from audio_rnn.errors import TrainingError

STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
GRACE = 30  # seconds after one of these in which the training process saves and ends its workers


def started(loader: DataLoader[Any]) -> Iterator[Any]:
    """What a loader, whose `worker_init_fn` is `outlive`, gives.

    Raises: TrainingError when a worker was killed, some seconds after that.
    """
    others = active_children()
    batches = _begun(loader)
    workers = [process for process in active_children() if process not in others]
    try:
        yield from batches
    except (RuntimeError, EOFError, OSError) as error:  # by what it was doing when it died
        if not any(map(_was_killed, workers)):
            raise
        raise TrainingError(
            "a process that reads data was killed, perhaps for lack of memory; lower "
            "batches.workers, or set it to 0, and run the same command again"
        ) from error


def _was_killed(worker: BaseProcess) -> bool:
    worker.join(0.1)  # what it was reading through may close before it has ended
    return bool(worker.exitcode)


def _begun(loader: DataLoader[Any]) -> Iterator[Any]:
    """None that dies raises an error in the middle of a step, as torch's handler would: the next batch
    does."""
    former = signal.getsignal(signal.SIGCHLD)
    try:
        with _deferred():
            return iter(loader)
    finally:
        if signal.getsignal(signal.SIGCHLD) is not former:
            signal.signal(signal.SIGCHLD, former or signal.SIG_DFL)


@contextmanager
def _deferred() -> Iterator[None]:
    """Within, signals that stop a training wait: no worker meets one before it is ready for it, and
    none is left without the loader that ends it."""
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    heard = [number for number in STOPPING if callable(handlers[number]) and _is_main()]
    received: list[int] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # workers begin with them blocked, too
    for number in heard:  # another thread, as those that compute, does not block them
        signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, handlers[number])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        for late in received:
            signal.raise_signal(late)


def _is_main() -> bool:
    """Whether this is the thread that Python lets handle signals."""
    return threading.current_thread() is threading.main_thread()


def outlive(worker: int) -> None:
    """End a while after a signal, in place of at once; those that are ignored stay so."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whatever it means to the training process
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: signal.alarm(GRACE))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
