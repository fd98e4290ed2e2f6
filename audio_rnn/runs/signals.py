"""Ctrl-C and SIGTERM as wishes that are granted between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped the training, and its state is saved; the message says how to go on."""


class Terminated(SystemExit):
    """SIGTERM, as a scheduler sends it, stopped the training, and its state is saved: status 0."""


class Interrupts:
    """Within: SIGINT and SIGTERM are only noted in `received`. A second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.received = 0
        self._former: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._former = {
                s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)
            }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.received = number
