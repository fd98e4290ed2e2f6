"""Tags and events as text: `TAG_WRITERS[format](tags)` is the content of one file."""

from __future__ import annotations

import csv as csvlib
import io
import json as jsonlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Literal

from audio_rnn.events import Detection
from audio_rnn.inference.tags import Detections, Tag, Tags, Window

TagFormat = Literal["txt", "json", "csv", "tsv"]
EventFormat = Literal["txt", "json", "csv", "tsv", "audacity"]

TIMES = ("onset", "offset")


def tags_txt(tags: Tags) -> str:
    """For people: the tags on one line, or on a line for each window."""
    if not tags.windows:
        return _listed(tags.tags) + "\n"
    return "".join(f"{w.onset:.2f}-{w.offset:.2f}: {_listed(w.tags)}\n" for w in tags.windows)


def events_txt(found: Detections) -> str:
    """For people: an event a line."""
    return "".join(f"{event_line(event)}\n" for event in found.events) or "no events\n"


def event_line(event: Detection) -> str:
    """One event for people."""
    return f"{event.onset:.2f}-{event.offset:.2f} {event.label} {event.score:.2f}"


def json(outcome: Tags | Detections) -> str:
    """All fields on one line, so that several joined are JSON lines."""
    return jsonlib.dumps(asdict(outcome), ensure_ascii=False) + "\n"


def tags_csv(tags: Tags) -> str:
    """A header, then a tag a line."""
    return _table(",", ("path", *TIMES, "label", "probability"), _tag_rows(tags))


def tags_tsv(tags: Tags) -> str:
    """The same with tabs."""
    return _table("\t", ("path", *TIMES, "label", "probability"), _tag_rows(tags))


def events_csv(found: Detections) -> str:
    """A header, then an event a line."""
    rows = ((found.path, *_times(e), e.label, f"{e.score:.4f}") for e in found.events)
    return _table(",", ("path", *TIMES, "label", "score"), rows)


def events_tsv(found: Detections) -> str:
    """The table of DCASE's tasks on events, https://dcase.community : files without folders."""
    name = PurePath(found.path).name
    rows = ((name, *_times(e), e.label) for e in found.events)
    return _table("\t", ("filename", *TIMES, "event_label"), rows)


def audacity(found: Detections) -> str:
    """Labels for Audacity, https://manual.audacityteam.org/man/importing_and_exporting_labels.html

    That format has no way to write a tab inside a label; it becomes a space.
    """
    rows = ((f"{e.onset:.6f}", f"{e.offset:.6f}", e.label.replace("\t", " ")) for e in found.events)
    return "".join("\t".join(row) + "\n" for row in rows)


def _listed(tags: Sequence[Tag]) -> str:
    return ", ".join(f"{tag.label} {tag.probability:.2f}" for tag in tags) or "no tags"


def _tag_rows(tags: Tags) -> Iterable[Sequence[object]]:
    for window in tags.windows or (Window(0.0, tags.duration, tags.tags),):
        for tag in window.tags:
            yield tags.path, *_times(window), tag.label, f"{tag.probability:.4f}"


def _times(item: Detection | Window) -> tuple[str, str]:
    return f"{item.onset:.3f}", f"{item.offset:.3f}"


def _table(delimiter: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Fields are quoted where they must be, so that a csv reader gets them back."""
    text = io.StringIO()
    writer = csvlib.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


TAG_WRITERS: dict[TagFormat, Callable[[Tags], str]] = {
    "txt": tags_txt,
    "json": json,
    "csv": tags_csv,
    "tsv": tags_tsv,
}
EVENT_WRITERS: dict[EventFormat, Callable[[Detections], str]] = {
    "txt": events_txt,
    "json": json,
    "csv": events_csv,
    "tsv": events_tsv,
    "audacity": audacity,
}
