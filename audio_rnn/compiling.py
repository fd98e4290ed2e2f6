"""Tells people that inner loops are being compiled: numba needs up to a minute and says nothing."""

from __future__ import annotations

import logging
from functools import cache

from numba.core import event

log = logging.getLogger(__name__)


class _Notice(event.Listener):
    """Hears of what is compiled, not of what is found in numba's cache."""

    told = False

    def on_start(self, event: event.Event) -> None:
        function = event.data["dispatcher"].py_func
        if not self.told and function.__module__.startswith("audio_rnn."):
            self.told = True
            log.warning(
                "compiling inner loops for this machine: up to a minute, and only the first time"
            )

    def on_end(self, event: event.Event) -> None:
        """Nothing to say."""


@cache
def tell_of_compiling() -> None:
    """Say once in this process that numba compiles for us, as soon as it does."""
    event.register("numba:compile", _Notice())
