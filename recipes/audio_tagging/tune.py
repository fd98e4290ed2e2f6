"""From when on a class counts as heard: found on held-out data, saved with the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.events import DetectionConfig, Rule, find_events
from audio_rnn.errors import InputError
from audio_rnn.events import Detection, merged
from audio_rnn.metrics.events import (
    DetectionCounts,
    event_counts,
    overlap_counts,
    segment_counts,
)
from recipes.audio_tagging.hearing import Heard

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEDIANS = (0.0, 0.15, 0.3, 0.5, 0.8, 1.2)  # seconds
RARE = tuple(np.round(1 / (1 + np.exp(-np.arange(-2, 6.1, 0.2))), 4))  # thresholds: 0.12 to 0.9978
SHORT = (0.0, 0.15)  # seconds of the median filter, of words
PAUSE = 0.5  # seconds: one word is one alarm, though its probability falls in its midst


def tuned(
    clips: Sequence[Utterance], heard: Sequence[Heard], classes: Classes, step_seconds: float
) -> DetectionConfig:
    """For each class the rule with the highest event F1; of equals, the highest segment F1, and of
    these again, the default, if it is one.

    A class that is not there keeps the default.
    """
    rules = {}
    for index, label in enumerate(classes.names):
        if any(e.label == label for u in clips for e in u.events or ()):
            rules[label] = _best(clips, [h.steps[:, index] for h in heard], label, step_seconds)
    return DetectionConfig(rules)


def tuned_for_alarms(
    clips: Sequence[Utterance],
    heard: Sequence[Heard],
    without: Sequence[Heard],
    classes: Classes,
    step_seconds: float,
    alarms: float,
) -> tuple[Rule, DetectionCounts]:
    """Of the rules for all classes that find at most `alarms` events an hour in sound without any,
    the one that misses fewest of the events of the clips; and what it finds.

    Raises: InputError where none is so quiet.
    """
    hours = sum(len(answer.steps) for answer in without) * step_seconds / 3600
    false = {
        rule: sum(len(_found(answer, classes, step_seconds, rule)) for answer in without)
        for rule in (Rule(*pair, PAUSE) for pair in product(RARE, SHORT))
    }
    quiet = [rule for rule, count in false.items() if count <= alarms * hours]
    if not quiet:
        raise InputError(
            f"--alarms {alarms:g}: found {min(false.values()) / hours:.1f} an hour at least, whatever "
            "the rule; allow more, or train with more sound that is no event"
        )
    missed = {
        rule: sum(
            overlap_counts(merged(u.events or ()), _found(h, classes, step_seconds, rule)).misses
            for u, h in zip(clips, heard)
        )
        for rule in quiet
    }
    best = min(quiet, key=lambda rule: (missed[rule], false[rule]))
    total = sum(len(merged(clip.events or ())) for clip in clips)
    return best, DetectionCounts(total - missed[best], false[best], missed[best])


def _found(heard: Heard, classes: Classes, step_seconds: float, rule: Rule) -> list[Detection]:
    return find_events(heard.steps, classes.names, step_seconds, DetectionConfig(otherwise=rule))


def _best(
    clips: Sequence[Utterance], tracks: Sequence[np.ndarray], label: str, step_seconds: float
) -> Rule:
    truth = {u.id: [e for e in merged(u.events or ()) if e.label == label] for u in clips}
    durations = {u.id: u.duration for u in clips}

    def score(rule: Rule) -> tuple[float, float]:
        config = DetectionConfig({label: rule})
        found = {
            u.id: find_events(track[:, None], (label,), step_seconds, config)
            for u, track in zip(clips, tracks)
        }
        events = event_counts(truth, found, [label])[label].f1
        segments = segment_counts(truth, found, durations, [label])[label].f1
        return events, segments

    grid = (Rule(*pair) for pair in product(THRESHOLDS, MEDIANS))
    return max((Rule(), *grid), key=score)  # of equals the first
