"""Scores of a tagger on the clips of a manifest, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.events import DetectionConfig, find_events
from audio_rnn.events import merged
from audio_rnn.metrics.events import Counts, event_counts, macro_f1, segment_counts
from audio_rnn.metrics.tags import (
    accuracy,
    areas,
    average_precisions,
    d_prime,
    lwlrap,
    mean_over_classes,
)
from recipes.audio_tagging.hearing import Heard

Scores = dict[str, float]


def truth_of(clips: Sequence[Utterance], classes: Classes) -> NDArray[np.float64]:
    """(clips, classes) 1 for what is heard, else 0."""
    table = np.zeros((len(clips), len(classes)))
    for row, clip in zip(table, clips):
        row[[classes.index(label) for label in clip.labels or ()]] = 1
    return table


def tag_scores(clips: Sequence[Utterance], heard: Sequence[Heard], classes: Classes) -> Scores:
    """Of the clips as wholes; accuracy where each has one class."""
    truth, found = truth_of(clips, classes), np.stack([h.clip for h in heard])
    area = mean_over_classes(areas(truth, found))
    single = {"accuracy": accuracy(truth, found)} if (truth.sum(1) == 1).all() else {}
    return {
        **single,
        "mAP": mean_over_classes(average_precisions(truth, found)),
        "AUC": area,
        "lwlrap": lwlrap(truth, found),
        "d'": d_prime(area),
    }


@dataclass(frozen=True)
class EventCounts:
    """What was found of the events of each class."""

    events: Counts
    segments: Counts


def count_events(
    clips: Sequence[Utterance],
    heard: Sequence[Heard],
    classes: Classes,
    step_seconds: float,
    rules: DetectionConfig,
) -> EventCounts:
    """Of clips whose events are known."""
    truth = {u.id: merged(u.events or ()) for u in clips}
    found = {
        u.id: find_events(h.steps, classes.names, step_seconds, rules) for u, h in zip(clips, heard)
    }
    durations = {u.id: u.duration for u in clips}
    return EventCounts(
        event_counts(truth, found, classes.names),
        segment_counts(truth, found, durations, classes.names),
    )


def event_scores(counts: EventCounts) -> Scores:
    """Macro averages over classes."""
    return {"event F1": macro_f1(counts.events), "segment F1": macro_f1(counts.segments)}


def show_scores(console: Console, scores: Scores) -> None:
    """One line for each score; shares as per cent."""
    table = Table("score", "value")
    for name, value in scores.items():
        table.add_row(name, told(name, value))
    console.print(table)


def told(name: str, value: float) -> str:
    """A score for people: shares as per cent; a dash where nothing was there to be found."""
    text = f"{value:.2f}" if name == "d'" else f"{value:.2%}"
    return "-" if np.isnan(value) else text


def show_confusions(
    console: Console,
    clips: Sequence[Utterance],
    heard: Sequence[Heard],
    classes: Classes,
    most: int = 10,
) -> None:
    """The classes that are taken for others most often; of clips with one class each."""
    pairs: dict[tuple[str, str], int] = {}
    for clip, answer in zip(clips, heard):
        true, told = (clip.labels or ("",))[0], classes.names[int(answer.clip.argmax())]
        if true != told:
            pairs[true, told] = pairs.get((true, told), 0) + 1
    for (true, told), count in sorted(pairs.items(), key=lambda item: -item[1])[:most]:
        console.print(f"{true} taken for {told}: {count}", highlight=False, markup=False)


def show_events(console: Console, counts: EventCounts) -> None:
    """A line for each class."""
    table = Table("class", "events", "found", "false", "event F1", "segment F1")
    for label, count in counts.events.items():
        numbers = (count.hits + count.misses, count.hits, count.false_alarms)
        found = (count.f1, counts.segments[label].f1)
        shares = ["-" if np.isnan(f1) else f"{f1:.1%}" for f1 in found]
        table.add_row(label.replace("[", r"\["), *map(str, numbers), *shares)
    console.print(table)
