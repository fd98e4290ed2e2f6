"""Reading ahead in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; each is made while the one before it is in use."""
    reader = ThreadPoolExecutor(1)
    try:
        upcoming = reader.submit(_one, items)
        while found := upcoming.result():
            upcoming = reader.submit(_one, items)
            yield from found
            del found  # frees what nobody needs any more
    finally:
        reader.shutdown(wait=False)  # nobody waits for an item that nobody wants


def _one(items: Iterator[T]) -> list[T]:
    """The next item, or none at the end."""
    return list(islice(items, 1))
