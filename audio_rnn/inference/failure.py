"""A recording that could not be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Which recording, and why."""

    path: str
    reason: str
