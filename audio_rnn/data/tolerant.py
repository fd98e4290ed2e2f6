"""Batches of what can be read, and word of what cannot: of millions of files a few are bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audio_rnn.data.batching import Reader
from audio_rnn.errors import InputError


@dataclass(frozen=True)
class Bad:
    """An item that cannot be used, and why."""

    reason: str


class Tolerant:
    """A reader that raises no InputError."""

    def __init__(self, reader: Reader[Any]) -> None:
        self.reader = reader

    def __getitem__(self, index: Any) -> Any:
        """An item, or a `Bad` one."""
        try:
            return self.reader[index]
        except InputError as error:
            return Bad(str(error))

    def collate(self, examples: list[Any]) -> tuple[Any, list[str]]:
        """The good ones as a batch, None without any; what is wrong with the others."""
        good = [example for example in examples if not isinstance(example, Bad)]
        bad = [example.reason for example in examples if isinstance(example, Bad)]
        return self.reader.collate(good) if good else None, bad
