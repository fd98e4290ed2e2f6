"""How well events are found: counts first, over segments of time and over whole events.

Mesaros, Heittola & Virtanen 2016, "Metrics for polyphonic sound event detection".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from audio_rnn.events import Detection, Event

COLLAR = 0.2  # seconds by which an onset or offset may be off
SHARE = 0.2  # of its event's length by which an offset may be off, where that is longer


@dataclass(frozen=True)
class DetectionCounts:
    """What was found, what was not there, and what was missed."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    def __add__(self, other: DetectionCounts) -> DetectionCounts:
        return DetectionCounts(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where there is nothing and nothing found."""
        total = 2 * self.hits + self.false_alarms + self.misses
        return 2 * self.hits / total if total else float("nan")


Found = Sequence[Event | Detection]
Counts = dict[str, DetectionCounts]  # of each class


def event_counts(
    truth: Mapping[str, Found], found: Mapping[str, Found], labels: Sequence[str]
) -> Counts:
    """Whole events, by recording: an event is found when onset and offset are within the collar.

    Each is found once at most, and as many are as can be.
    """
    return {
        label: sum(
            (
                _match(_of(truth[name], label), _of(found.get(name, ()), label))
                for name in truth
            ),
            DetectionCounts(),
        )
        for label in labels
    }  # fmt: skip


def overlap_counts(truth: Found, found: Found) -> DetectionCounts:
    """Events that are noticed, however well their ends are told: one is missed when nothing found
    of its class overlaps it, and what overlaps no event of its class is a false alarm."""
    hits = sum(any(_overlap(event, other) for other in found) for event in truth)
    false = sum(not any(_overlap(event, other) for event in truth) for other in found)
    return DetectionCounts(hits, false, len(truth) - hits)


def segment_counts(
    truth: Mapping[str, Found],
    found: Mapping[str, Found],
    durations: Mapping[str, float],
    labels: Sequence[str],
    seconds: float = 1.0,
) -> Counts:
    """Segments of so many seconds in which a class is heard."""
    counts = dict.fromkeys(labels, DetectionCounts())
    for name, duration in durations.items():
        size = int(np.ceil(duration / seconds))
        for label in labels:
            there = _segments(_of(truth[name], label), size, seconds)
            told = _segments(_of(found.get(name, ()), label), size, seconds)
            counts[label] += DetectionCounts(
                int((there & told).sum()), int((told & ~there).sum()), int((there & ~told).sum())
            )
    return counts


def macro_f1(counts: Counts) -> float:
    """Mean F1 of the classes that are there or were found; NaN when none is."""
    values = [count.f1 for count in counts.values() if not np.isnan(count.f1)]
    return float(np.mean(values)) if values else float("nan")


def _overlap(one: Event | Detection, other: Event | Detection) -> bool:
    return one.label == other.label and one.onset < other.offset and other.onset < one.offset


def _of(events: Found, label: str) -> NDArray[np.float64]:
    """Onsets and offsets of one class: (events, 2)."""
    return np.array([(e.onset, e.offset) for e in events if e.label == label]).reshape(-1, 2)


def _match(truth: NDArray[np.float64], found: NDArray[np.float64]) -> DetectionCounts:
    if not len(truth) or not len(found):
        return DetectionCounts(0, len(found), len(truth))
    off = np.abs(truth[:, None] - found)  # (true, found, onset and offset)
    collar = np.maximum(COLLAR, SHARE * (truth[:, 1] - truth[:, 0]))[:, None]
    fits = (off[..., 0] <= COLLAR + 1e-9) & (off[..., 1] <= collar + 1e-9)
    hits = int((maximum_bipartite_matching(csr_matrix(fits)) >= 0).sum())
    return DetectionCounts(hits, len(found) - hits, len(truth) - hits)


def _segments(events: NDArray[np.float64], size: int, seconds: float) -> NDArray[np.bool_]:
    active = np.zeros(size, bool)
    for onset, offset in events:
        active[int(onset / seconds) : int(np.ceil(offset / seconds))] = True
    return active
