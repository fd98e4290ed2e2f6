"""From when on a class counts as heard: found on held-out data, saved with the model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.events import DetectionConfig, Rule, find_events
from audio_rnn.events import merged
from audio_rnn.metrics.events import event_counts, segment_counts
from recipes.audio_tagging.hearing import Heard

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEDIANS = (0.0, 0.15, 0.3, 0.5, 0.8, 1.2)  # seconds


def tuned(
    clips: Sequence[Utterance], heard: Sequence[Heard], classes: Classes, step_seconds: float
) -> DetectionConfig:
    """For each class the rule with the highest event F1; of equals, the highest segment F1.

    A class that is not there keeps the default.
    """
    rules = {}
    for index, label in enumerate(classes.names):
        if any(e.label == label for u in clips for e in u.events or ()):
            rules[label] = _best(clips, [h.steps[:, index] for h in heard], label, step_seconds)
    return DetectionConfig(rules)


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
        return events, segment_counts(truth, found, durations, [label])[label].f1

    return max((Rule(*pair) for pair in product(THRESHOLDS, MEDIANS)), key=score)
