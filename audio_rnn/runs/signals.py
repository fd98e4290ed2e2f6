"""Ctrl-C and SIGTERM as wishes that are granted between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 2.0  # seconds after a signal in which what is read may still arrive


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped the training, and its state is saved; the message says how to go on."""


class Terminated(SystemExit):
    """SIGTERM, as a scheduler sends it, stopped the training, and its state is saved: status 0."""


class Interrupts:
    """Within: SIGINT and SIGTERM are only noted in `received`, SIGHUP of a closed terminal as SIGTERM;
    those that are ignored, as by `nohup`, stay so. What is `awaited` ends with the first of them, and a
    second Ctrl-C stops at once.

    What reads is cut off only where it hangs: an error in the middle of its talk with a worker process
    would have that one complain.
    """

    def __init__(self) -> None:
        self.received = 0
        self._awaiting = False
        self._former: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            heard = [s for s in SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
            self._former = {s: signal.signal(s, self._note) for s in heard}
            self._former[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._cut_off)
        return self

    def __exit__(self, *_: object) -> None:
        if self._former:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def heeded(self, items: Iterator[T]) -> Iterator[T]:
        """The same items, until a signal comes. Raises: Interrupted."""
        for item in self.awaited(items):
            if self.received:
                break
            yield item
        if self.received:
            raise Interrupted

    def awaited(self, items: Iterator[T]) -> Iterator[T]:
        """The same items, until a signal comes while one is waited for, as what reads them may hang."""
        while (item := self._next(items)) is not None:
            yield item

    def _next(self, items: Iterator[T]) -> T | None:
        before = self.received
        try:
            try:
                self._awaiting = True
                self._set_clock()
                item = next(items, None)
            finally:
                self._awaiting = False
        except Interrupted:
            return None
        return item if self.received == before else None

    def _set_clock(self) -> None:
        if self.received and self._awaiting:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.received = signal.SIGTERM if number == signal.SIGHUP else number
        self._set_clock()

    def _cut_off(self, number: int, frame: FrameType | None) -> None:
        if self._awaiting:
            raise Interrupted


def leave(number: int, message: str, say: Callable[[str], None]) -> NoReturn:
    """End as a signal asks for. Raises: Terminated, after it has said the message, or Interrupted."""
    if number == signal.SIGTERM:
        say(message)
        raise Terminated(0)
    raise Interrupted(message)
