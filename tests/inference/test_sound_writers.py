"""Tags and events as text, with class names that contain what separates fields."""

from __future__ import annotations

import csv
import io
import json

import pytest

from audio_rnn.events import Detection
from audio_rnn.inference.sound_writers import EVENT_WRITERS, TAG_WRITERS
from audio_rnn.inference.tags import Detections, Tag, Tags, Window
from tests.small_tagger import NAMES

PATH = 'a,b/"c" 猫.wav'
EVENTS = Detections(
    PATH, tuple(Detection(i, i + 0.5, name, 0.25) for i, name in enumerate(NAMES)), 9.0
)
TAGS = Tags(PATH, tuple(Tag(name, 0.125) for name in NAMES), 9.0)
NOTHING = Detections(PATH, (), 9.0)


def rows(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_tables_of_tags_can_be_read_back(name, delimiter):
    found = rows(TAG_WRITERS[name](TAGS), delimiter)
    assert [row["label"] for row in found] == list(NAMES)
    first = {"path": PATH, "onset": "0.000", "offset": "9.000", "label": NAMES[0]}
    assert found[0] == {**first, "probability": "0.1250"}


def test_windows_take_the_place_of_the_whole_in_tables_and_text():
    windows = (Window(0.0, 5.0, TAGS.tags[2:4]), Window(5.0, 9.0, ()))
    tags = Tags(PATH, TAGS.tags, 9.0, windows)
    found = rows(TAG_WRITERS["csv"](tags), ",")
    assert [(row["onset"], row["offset"], row["label"]) for row in found] == [
        ("0.000", "5.000", NAMES[2]),
        ("0.000", "5.000", NAMES[3]),
    ]
    expected = "0.00-5.00: mewing 猫 0.12, rain 0.12\n5.00-9.00: no tags\n"
    assert TAG_WRITERS["txt"](tags) == expected


def test_tables_of_events_can_be_read_back():
    found = rows(EVENT_WRITERS["csv"](EVENTS), ",")
    assert [row["label"] for row in found] == list(NAMES)
    assert found[1] == {
        "path": PATH,
        "onset": "1.000",
        "offset": "1.500",
        "label": NAMES[1],
        "score": "0.2500",
    }
    found = rows(EVENT_WRITERS["tsv"](EVENTS), "\t")
    assert [row["event_label"] for row in found] == list(NAMES)
    assert list(found[0]) == ["filename", "onset", "offset", "event_label"]
    assert found[0]["filename"] == '"c" 猫.wav'
    assert rows(EVENT_WRITERS["csv"](NOTHING), ",") == []


def test_labels_for_audacity_are_three_fields_a_line():
    lines = EVENT_WRITERS["audacity"](EVENTS).splitlines()
    labels = [line.split("\t") for line in lines]
    assert [len(fields) for fields in labels] == [3] * len(NAMES)
    assert labels[0] == ["0.000000", "0.500000", NAMES[0]]
    assert labels[4][2] == "a tab"
    assert EVENT_WRITERS["audacity"](NOTHING) == ""


def test_json_keeps_everything_on_one_line():
    text = EVENT_WRITERS["json"](EVENTS)
    assert text.count("\n") == 1
    values = json.loads(text)
    assert (
        Detections(values["path"], tuple(Detection(**e) for e in values["events"]), 9.0) == EVENTS
    )
    assert [tag["label"] for tag in json.loads(TAG_WRITERS["json"](TAGS))["tags"]] == list(NAMES)


def test_text_is_for_people():
    assert EVENT_WRITERS["txt"](EVENTS).splitlines()[3] == "3.00-3.50 rain 0.25"
    assert EVENT_WRITERS["txt"](NOTHING) == "no events\n"
    assert TAG_WRITERS["txt"](Tags(PATH, TAGS.tags[3:4], 9.0)) == "rain 0.12\n"
