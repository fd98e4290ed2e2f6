"""Counts of events: by hand, and against sed_eval and sed_scores_eval where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

from audio_rnn.events import Event
from audio_rnn.metrics.events import (
    DetectionCounts,
    event_counts,
    macro_f1,
    overlap_counts,
    segment_counts,
)

TRUTH = {"a": [Event(1.0, 2.0, "dog"), Event(4.0, 9.0, "rain")], "b": []}


def test_an_event_is_found_within_the_collar() -> None:
    found = {
        "a": [
            Event(1.2, 2.2, "dog"),  # just within
            Event(4.0, 9.9, "rain"),  # a fifth of 5 s is more than the collar
            Event(1.0, 2.0, "rain"),
        ],
        "b": [Event(0.0, 1.0, "dog")],
    }
    counts = event_counts(TRUTH, found, ["dog", "rain", "owl"])
    assert counts["dog"] == DetectionCounts(1, 1, 0)
    assert counts["rain"] == DetectionCounts(1, 1, 0)
    assert np.isnan(counts["owl"].f1)
    assert macro_f1(counts) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shift", [(0.21, 0.0), (0.0, 0.21), (-0.3, 0.0)])
def test_what_is_beyond_the_collar_is_missed(shift: tuple[float, float]) -> None:
    found = {"a": [Event(1.0 + shift[0], 2.0 + shift[1], "dog")]}
    assert event_counts(TRUTH, found, ["dog"])["dog"] == DetectionCounts(0, 1, 1)


def test_an_event_is_noticed_by_what_overlaps_it() -> None:
    truth = [Event(1.0, 2.0, "dog"), Event(4.0, 5.0, "dog"), Event(4.0, 9.0, "rain")]
    found = [Event(1.9, 3.0, "dog"), Event(0.0, 1.1, "dog"), Event(5.0, 6.0, "dog")]
    assert overlap_counts(truth, found) == DetectionCounts(1, 1, 2)
    assert overlap_counts([], found) == DetectionCounts(0, 3, 0)


def test_as_many_are_found_as_can_be() -> None:
    """The first found event fits both true ones, the second only the first."""
    truth = {"a": [Event(1.0, 2.0, "dog"), Event(1.3, 2.3, "dog")]}
    found = {"a": [Event(1.15, 2.15, "dog"), Event(0.85, 1.85, "dog")]}
    assert event_counts(truth, found, ["dog"])["dog"] == DetectionCounts(2, 0, 0)


def test_segments_are_active_when_touched() -> None:
    truth = {"a": [Event(0.5, 2.1, "dog")]}
    found = {"a": [Event(2.0, 4.0, "dog")]}
    counts = segment_counts(truth, found, {"a": 5.0}, ["dog"])["dog"]
    assert counts == DetectionCounts(1, 1, 2)


def random_events(seed: int) -> dict[str, list[Event]]:
    random = np.random.default_rng(seed)
    files = {}
    for name in "abcdef":
        events = []
        for label in ("dog", "rain"):
            time = 0.0
            while (time := time + random.uniform(0.3, 2.0)) < 9:
                length = random.uniform(0.2, 1.0)
                events.append(Event(round(time, 3), round(time + length, 3), label))
                time += length
        files[name] = sorted(events)
    return files


def jittered(files: dict[str, list[Event]], seed: int) -> dict[str, list[Event]]:
    random = np.random.default_rng(seed)
    return {
        name: [
            Event(max(0, e.onset + random.normal(0, 0.12)), e.offset + random.normal(0.2, 0.05), e.label)
            for e in events
            if random.random() < 0.8
        ]
        for name, events in files.items()
    }  # fmt: skip


def test_counts_equal_those_of_sed_scores_eval() -> None:
    collar_based = pytest.importorskip("sed_scores_eval", reason="extra: detection").collar_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    truth = random_events(0)
    found = jittered(truth, 1)
    labels = ["dog", "rain"]
    scores = {}
    for name, events in found.items():
        stamps = sorted({0.0, 12.0, *(t for e in events for t in (e.onset, e.offset))})
        table = np.array(
            [
                [any(e.onset <= t < e.offset and e.label == c for e in events) for c in labels]
                for t in stamps[:-1]
            ],
            float,
        )
        scores[name] = create_score_dataframe(table, stamps, labels)
    expected = {
        name: [(e.onset, e.offset, e.label) for e in events] for name, events in truth.items()
    }
    f1, *_ = collar_based.fscore(
        scores, expected, 0.5, onset_collar=0.2, offset_collar=0.2, offset_collar_rate=0.2
    )
    counts = event_counts(truth, found, labels)
    for label in labels:
        assert counts[label].f1 == pytest.approx(f1[label], abs=1e-9)
