"""Events from probabilities: by the rule, however the steps come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import medfilt

from audio_rnn.decoding.events import (
    DetectionConfig,
    EventFinder,
    Rule,
    find_events,
    load_rules,
    save_rules,
    smoothed,
)
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.events import Detection

LABELS = ("dog, barking", "rain")
STEP = 0.1


def test_an_event_lasts_from_its_first_step_to_the_end_of_its_last() -> None:
    dog = [0, 0, 0.9, 0.8, 0.7, 0, 0, 0, 0, 0]
    rain = [0, 0, 0, 0, 0, 0, 0.6, 0.6, 0.6, 0.6]
    config = DetectionConfig(otherwise=Rule(0.5, 0.0))
    found = find_events(np.array([dog, rain]).T, LABELS, STEP, config)
    assert found == [
        Detection(0.2, 0.5, "dog, barking", pytest.approx(0.8)),
        Detection(0.6, 1.0, "rain", pytest.approx(0.6)),
    ]


def test_the_filter_fills_gaps_and_drops_clicks() -> None:
    track = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0.0])[:, None]
    config = DetectionConfig({"rain": Rule(0.5, 0.3)})
    found = find_events(track, ("rain",), STEP, config)
    assert [(e.onset, e.offset) for e in found] == [(0.0, 0.7)]


def test_a_pause_parts_events_when_it_is_longer_than_the_rule_says() -> None:
    track = np.array([0, 1, 0, 0, 0.5, 0, 0, 0, 1, 0.0])[:, None]
    config = DetectionConfig({"rain": Rule(0.5, 0.0, 0.2)})
    finder = EventFinder(("rain",), STEP, config)
    assert finder.feed(track[:7]) == []
    assert finder.begun() == [Detection(0.1, 0.5, "rain", 0.75)]
    assert finder.feed(track[7:], last=True) == [
        Detection(0.1, 0.5, "rain", 0.75),
        Detection(0.8, 0.9, "rain", 1.0),
    ]


@settings(max_examples=60)
@given(
    pause=st.sampled_from([0.0, 0.1, 0.3]),
    values=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    width=st.integers(0, 5),
    cuts=st.lists(st.integers(0, 20), max_size=20),
)
def test_pieces_give_the_events_of_the_whole(
    pause: float, values: list[float], width: int, cuts: list[int]
) -> None:
    rules = {"dog, barking": Rule(0.4, width * 0.2, pause)}
    config = DetectionConfig(rules, Rule(0.6, 0.1))
    track = np.array([values, values[::-1]]).T
    whole = find_events(track, LABELS, STEP, config)
    finder, found, place = EventFinder(LABELS, STEP, config), [], 0
    for cut in cuts:
        found += finder.feed(track[place : place + cut])
        place += cut
    found += finder.feed(track[place:], last=True)
    assert sorted(found) == whole
    smooth = smoothed(track[:, 0], Rule(0.4, width * 0.2), STEP)
    filtered = medfilt((track[:, 0] >= 0.4).astype(float), Rule(0.4, width * 0.2).width(STEP))
    np.testing.assert_array_equal(smooth, filtered > 0.5)


def test_rules_come_back_with_the_model(tmp_path: Path) -> None:
    config = DetectionConfig({"dog, barking": Rule(0.3, 0.5, 0.5)})
    save_rules(tmp_path, config)
    assert load_rules(tmp_path) == config
    assert load_rules(tmp_path / "none") == DetectionConfig()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"dog": {"threshold": 2}}', '{"dog": {"thresh": 0.5}}']
)
def test_broken_rules_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "detection.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="broken: "):
        load_rules(tmp_path)


@pytest.mark.parametrize(
    "rule",
    [{"threshold": 0.0}, {"threshold": 1.5}, {"median_seconds": -1.0}, {"pause_seconds": 61.0}],
)
def test_a_rule_that_nothing_can_follow_is_named(rule: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(rule))):
        Rule(**rule)
