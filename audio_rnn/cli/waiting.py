"""Ctrl-C while a command waits for what is still to come."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class Waiting:
    """Within: a first Ctrl-C ends the waiting and never the work on what has come."""

    def __init__(self) -> None:
        self.ended = False  # by Ctrl-C
        self._waits = False

    def __enter__(self) -> Waiting:
        self._former = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._former)

    def each(self, items: Iterator[T]) -> Iterator[T]:
        """The items as they come, until there are no more or Ctrl-C."""
        while not self.ended:
            try:
                self._waits = True
                item = next(items)
                self._waits = False
            except (StopIteration, KeyboardInterrupt):
                return
            finally:
                self._waits = False
            yield item

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._waits or self.ended:  # a second one ends all
            self.ended = True
            raise KeyboardInterrupt
        self.ended = True
