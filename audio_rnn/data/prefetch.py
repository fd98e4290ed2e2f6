"""Reading ahead in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; each is made while the one before it is in use."""
    upcoming = _Next(items)
    while True:
        upcoming.join()
        if upcoming.error is not None:
            raise upcoming.error
        if not upcoming.found:
            return
        current, upcoming = upcoming, _Next(items)
        yield from current.found
        del current  # frees what nobody needs any more


class _Next(Thread, Generic[T]):
    """Makes one item. As a daemon it keeps no process alive that has stopped to care."""

    def __init__(self, items: Iterator[T]) -> None:
        super().__init__(daemon=True)
        self.items = items
        self.found: list[T] = []  # one, or none at the end
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.found = list(islice(self.items, 1))
        except Exception as error:  # whatever it is, who asks for the item is to have it
            self.error = error
