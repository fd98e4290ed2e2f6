"""Rules for a wanted rate of false alarms: fewest misses among those that are quiet enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.events import Rule
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.events import Event
from audio_rnn.metrics.events import DetectionCounts
from recipes.audio_tagging.evaluate import Options
from recipes.audio_tagging.hearing import Heard
from recipes.audio_tagging.tune import tuned, tuned_for_alarms

STEP = 0.1
CLASSES = Classes(("yes", "no"))


def track(seconds: float, peaks: dict[float, float]) -> Heard:
    """Of the first class, a probability for three steps from each second named."""
    steps = np.zeros((round(seconds / STEP), 2), np.float32)
    for start, probability in peaks.items():
        first = round(start / STEP)
        steps[first : first + 3, 0] = probability
    return Heard(np.zeros(2), steps)


def test_the_loudest_rule_that_is_quiet_enough() -> None:
    words = {10.0: 0.9, 20.0: 0.6, 30.0: 0.2}
    events = tuple(Event(start, start + 0.3, "yes") for start in words)
    scene = Utterance("a", 60.0, "a.wav", events=events)
    speech = track(3600, {100.0: 0.8, 200.0: 0.5, 200.6: 0.5, 300.0: 0.3})  # a pause of 0.3 s
    given = [scene], [track(60, words)], [speech], CLASSES, STEP
    found = [tuned_for_alarms(*given, alarms) for alarms in (0, 1, 3)]
    assert [counts for _, counts in found] == [
        DetectionCounts(1, 0, 2),
        DetectionCounts(2, 1, 1),
        DetectionCounts(3, 3, 0),
    ]
    assert 0.8 < found[0][0].threshold <= 0.9
    assert found[0][0].pause_seconds == 0.5


def test_where_many_rules_are_as_good_the_default_is_taken() -> None:
    words = {10.0: 0.95, 20.0: 0.9}
    scene = Utterance("a", 60.0, "a.wav", events=tuple(Event(t, t + 0.3, "yes") for t in words))
    rules = tuned([scene], [track(60, words)], CLASSES, STEP).rules
    assert rules == {"yes": Rule()}  # of "no", which is not there, nothing is known
    never = tuned([scene], [track(60, {})], CLASSES, STEP).rules
    assert never == {"yes": Rule()}  # and not the one that hears it anywhere


def test_a_model_that_never_rests_is_named() -> None:
    scene = Utterance("a", 60.0, "a.wav", events=())
    given = [scene], [track(60, {})], [track(3600, {9.0: 1.0, 99.0: 1.0})], CLASSES, STEP
    with pytest.raises(InputError, match=r"--alarms 1: found 2\.0 an hour at least"):
        tuned_for_alarms(*given, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alarms": 1.0}, "alarms: found 1.0, expected --tune with it"),
        ({"alarms": 1.0, "tune": True}, "without: found None, expected it together"),
        ({"without": Path("speech.jsonl")}, "without: found .*, expected it together"),
        ({"alarms": -1.0, "tune": True}, "alarms: found -1.0, expected a number an hour"),
    ],
)
def test_options_that_belong_together(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Options(Path("run"), Path("valid.jsonl"), **options)  # type: ignore[arg-type]
