"""Tables of what is heard, in the whole clip or when -> what is known of each clip."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.config import ConfigError
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.audio_tagging.recordings import Heard
from recipes.prepare import listed, warn
from recipes.table import Row, read_table

PATHS = ("path", "filename")  # names of the column of files
TAGS = ("tags", "tag", "event_labels")  # several in a field, separated
LABELS = ("label", "event_label")  # one in a row, with its onset and offset
TIMES = ("onset", "offset")
OF_FILES = ("split", "fold", "recording", "speaker")  # the same in each row of a file


@dataclass(frozen=True)
class Columns:
    """Which columns of a table tell what."""

    path: str
    label: str
    timed: bool  # the label has onset and offset

    @classmethod
    def of(cls, table: Path, names: Sequence[str]) -> Columns:
        """Raises: InputError for a header that leaves open what is heard."""
        timed = set(TIMES) <= set(names)
        paths = [name for name in PATHS if name in names]
        labels = [name for name in (LABELS if timed else TAGS + LABELS) if name in names]
        if len(paths) != 1 or len(labels) != 1:
            raise InputError(
                f"{table}:1: found the columns {', '.join(names)}; expected path (or filename) "
                "and tags, or path, onset, offset and label"
            )
        return cls(paths[0], labels[0], timed)


@dataclass
class _Clip:
    """What the rows of one file tell."""

    first: Row
    labels: list[str] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)


def read_annotations(table: Path, root: Path, separator: str = ";") -> dict[str, Heard]:
    """Path relative to `root` -> what a table tells of that file.

    A table of tags has a row a file, with all its tags; one of events has a row an event, and for
    a file without events a row without label. More columns: split, fold, recording, speaker.

    Raises: InputError naming file and line.
    """
    rows = read_table(table, ())
    if not rows:
        raise InputError(f"{table}: found no row below the header, expected one a clip or event")
    columns = Columns.of(table, list(rows[0].values))
    found: dict[str, _Clip] = {}
    for row in rows:
        name = _path(row, root, columns)
        known = found.setdefault(name, _Clip(row))
        if known.first is not row:
            _check_again(name, row, known, columns)
        if columns.timed:
            _add_event(known, row, columns.label)
        else:
            parts = map(clean, row.values[columns.label].split(separator))
            known.labels += [part for part in parts if part]
    warn_of_overlaps(clip.events for clip in found.values())
    return {name: _heard(clip, columns.timed) for name, clip in found.items()}


def clean(label: str) -> str:
    """A label as classes are named: in composed Unicode, without space around it."""
    return unicodedata.normalize("NFC", label).strip()


def _path(row: Row, root: Path, columns: Columns) -> str:
    if not row.values[columns.path]:
        raise InputError(f"{row.where}: found no {columns.path}, expected an audio file")
    return row.name(root, columns.path)


def _check_again(name: str, row: Row, known: _Clip, columns: Columns) -> None:
    """What a second row of a file must keep to."""
    empty = not row.values[columns.label] or not known.events
    if not columns.timed or empty:
        kind = "a row a file" if not columns.timed else "a row without label to be its only one"
        raise InputError(
            f"{row.where}: {columns.path} {name!r} stands already in {known.first.where}; "
            f"expected {kind}"
        )
    for column in (name for name in OF_FILES if name in row.values):
        if row.values[column] != known.first.values[column]:
            raise InputError(
                f"{row.where}: {column}: found {row.values[column]!r}, expected "
                f"{known.first.values[column]!r} as in {known.first.where}, of the same file"
            )


def _add_event(clip: _Clip, row: Row, column: str) -> None:
    label, times = clean(row.values[column]), [row.values[name] for name in TIMES]
    if not label and not any(times):
        return  # nothing is heard in this file
    if not label:
        raise InputError(f"{row.where}: found times without {column}, expected a label")
    try:
        clip.events[row.where] = Event(_seconds(row, "onset"), _seconds(row, "offset"), label)
    except ConfigError as error:
        raise InputError(f"{row.where}: {error}") from None


def _seconds(row: Row, column: str) -> float:
    try:
        return float(row.values[column])
    except ValueError:
        raise InputError(
            f"{row.where}: {column}: found {row.values[column]!r}, expected seconds such as 1.25"
        ) from None


def warn_of_overlaps(recordings: Iterable[Mapping[str, Event]]) -> None:
    """Say on standard error which events begin before another of their label ends."""
    overlaps = [place for events in recordings for place in _overlaps(events)]
    if overlaps:
        warn(
            f"{len(overlaps)} events overlap an earlier one of their label, as one event: "
            f"{listed(overlaps)}"
        )


def _overlaps(events: Mapping[str, Event]) -> list[str]:
    """Where events are told that begin before the last one of their label ends."""
    ends: dict[str, float] = {}
    found = []
    for where, event in sorted(events.items(), key=lambda item: item[1]):
        if event.onset < ends.get(event.label, 0.0):
            found.append(where)
        ends[event.label] = max(event.offset, ends.get(event.label, 0.0))
    return found


def _heard(clip: _Clip, timed: bool) -> Heard:
    values = clip.first.values
    return Heard(
        tags=None if timed else tuple(dict.fromkeys(clip.labels)),
        events=clip.events if timed else None,
        split=clip.first.split(),
        fold=_fold(clip.first) if "fold" in values else None,
        recording=values.get("recording") or None,
        speaker=values.get("speaker") or None,
    )


def _fold(row: Row) -> int:
    found = row.values["fold"]
    if not found.isdecimal() or int(found) < 1:
        raise InputError(f"{row.where}: fold: found {found!r}, expected a whole number from 1 on")
    return int(found)
