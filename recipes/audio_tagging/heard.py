"""Recordings and what is heard in them -> clips of a manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.data.manifest import BEYOND, Utterance
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.prepare import Complain, durations, inside, listed, refuse


@dataclass(frozen=True)
class Heard:
    """What is known of a clip besides its sound: its tags, its events, or both."""

    tags: tuple[str, ...] | None = None
    events: Mapping[str, Event] | None = None  # by the "FILE:LINE" that tells of it
    split: str | None = None
    fold: int | None = None
    recording: str | None = None  # what the clip was cut from
    speaker: str | None = None


def clips(
    heard: Mapping[str, Heard],
    files: Mapping[str, Path],
    source: Path,
    output: Path,
    complain: Complain = refuse,
) -> list[Utterance]:
    """A clip for each id of `heard`, whose file lies below `source` or `output`.

    Every recording is read to its end. Raises: InputError for events beyond the end; listing files
    that are missing or cannot be read, unless `complain` does not: then they are left out.
    """
    lengths = durations({name: files[name] for name in heard}, complain)
    return [
        Utterance(
            name,
            seconds,
            audio=inside(files[name], source, output),
            tags=heard[name].tags,
            events=_events(heard[name], seconds, files[name]),
            split=heard[name].split,
            fold=heard[name].fold,
            recording=heard[name].recording,
            speaker=heard[name].speaker,
        )
        for name, seconds in lengths.items()
    ]


def require_files(names: Collection[str], folder: Path, told: Path) -> dict[str, Path]:
    """Name -> file below `folder`. Raises: InputError listing those that `told` names in vain."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} of the {len(names)} files that {told} names are missing: "
            f"{listed(missing)}; expected them there, unpack the corpus again"
        )
    return {name: folder / name for name in names}


def _events(heard: Heard, seconds: float, path: Path) -> tuple[Event, ...] | None:
    """In order of time, none beyond the end: ends are rounded in annotations."""
    if heard.events is None:
        return None
    for where, event in heard.events.items():
        if event.offset > seconds + BEYOND or event.onset >= seconds:
            raise InputError(
                f"{where}: found {event.label!r} from {event.onset:g} to {event.offset:g} s, "
                f"expected an event within the {seconds:g} s of {path}; correct its times"
            )
    inside_ = (Event(e.onset, min(e.offset, seconds), e.label) for e in heard.events.values())
    return tuple(sorted(inside_))
