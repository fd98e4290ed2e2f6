"""Sounds that have a name and a place in time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from audio_rnn.config import require


@dataclass(frozen=True, order=True)
class Event:
    """A sound from `onset` to `offset`, in seconds."""

    onset: float
    offset: float
    label: str

    def __post_init__(self) -> None:
        require(0 <= self.onset < math.inf, "onset", self.onset, "seconds, 0 or more")
        after = f"seconds after the onset, {self.onset}"
        require(self.onset < self.offset < math.inf, "offset", self.offset, after)


@dataclass(frozen=True, order=True)
class Detection:
    """An event that a model has found, with its probability."""

    onset: float
    offset: float
    label: str
    score: float


def labels_of(events: Iterable[Event]) -> tuple[str, ...]:
    """Each label once, sorted."""
    return tuple(sorted({event.label for event in events}))


def merged(events: Iterable[Event]) -> list[Event]:
    """Events of one label that overlap or touch, as one; in order of time."""
    open_events: dict[str, Event] = {}
    done = []
    for event in sorted(events):
        before = open_events.get(event.label)
        if before and event.onset <= before.offset:
            event = Event(before.onset, max(before.offset, event.offset), event.label)
        elif before:
            done.append(before)
        open_events[event.label] = event
    return sorted([*done, *open_events.values()])
