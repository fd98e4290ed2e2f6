"""Recordings and what is heard in them -> clips of a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_rnn.audio import audio_info, read_blocks
from audio_rnn.data.manifest import BEYOND, Utterance
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.prepare import Complain, examine, inside, listed, refuse, require_sound, warn

SILENT = 1e-4  # of full scale, -80 dB: what a peak up to here leaves is no sound


@dataclass(frozen=True)
class Heard:
    """What is known of a clip besides its sound: its tags, its events, or both."""

    tags: tuple[str, ...] | None = None
    events: Mapping[str, Event] | None = None  # by the "FILE:LINE" that tells of it
    split: str | None = None
    fold: int | None = None
    recording: str | None = None  # what the clip was cut from
    speaker: str | None = None

    @property
    def says_something(self) -> bool:
        """Whether a tag or an event is told."""
        return bool(self.tags or self.events)


@dataclass(frozen=True)
class Sound:
    """What reading a recording to its end has told."""

    seconds: float
    peak: float  # of the absolute samples
    digest: str  # of the samples


def clips(
    heard: Mapping[str, Heard],
    files: Mapping[str, Path],
    source: Path,
    output: Path,
    complain: Complain = refuse,
) -> list[Utterance]:
    """A clip for each id of `heard`, whose file lies below `source` or `output`.

    Clips whose recording is not known count as one recording when their sound is the same. Raises:
    InputError for events beyond the end; listing files that cannot be read, unless `complain` does
    not: then they are left out.
    """
    sounds = examine({name: files[name] for name in heard}, complain, listen)
    _warn_of_silence(heard, sounds)
    same = _same_sounds({name: sound for name, sound in sounds.items() if sound.peak > SILENT})
    return [
        Utterance(
            name,
            sound.seconds,
            audio=inside(files[name], source, output),
            tags=heard[name].tags,
            events=_events(heard[name], sound.seconds, files[name]),
            split=heard[name].split,
            fold=heard[name].fold,
            recording=heard[name].recording or same.get(name),
            speaker=heard[name].speaker,
        )
        for name, sound in sounds.items()
    ]


def listen(path: Path) -> Sound:
    """Read a recording to its end. Raises AudioError."""
    rate, digest = audio_info(path).sample_rate, hashlib.blake2b(digest_size=16)
    samples, peak = 0, 0.0
    for block in read_blocks(path, rate):
        digest.update(block.tobytes())
        samples, peak = samples + len(block), max(peak, float(np.abs(block).max()))
    return Sound(require_sound(path, samples / rate), peak, digest.hexdigest())


def require_files(
    names: Collection[str], folder: Path, told: Path, remedy: str = "unpack the corpus again"
) -> dict[str, Path]:
    """Name -> file below `folder`. Raises: InputError listing those that `told` names in vain."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} of the {len(names)} files that {told} names are missing: "
            f"{listed(missing)}; expected them there; {remedy}"
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


def _warn_of_silence(heard: Mapping[str, Heard], sounds: Mapping[str, Sound]) -> None:
    silent = [n for n, sound in sounds.items() if sound.peak <= SILENT and heard[n].says_something]
    if silent:
        warn(
            f"{len(silent)} clips are silent, though something is said to be heard: {listed(silent)}"
        )


def _same_sounds(sounds: Mapping[str, Sound]) -> dict[str, str]:
    """Id -> the first id with the same sound, where there are several; said on standard error."""
    groups: dict[str, list[str]] = {}
    for name, sound in sounds.items():
        groups.setdefault(sound.digest, []).append(name)
    several = [names for names in groups.values() if len(names) > 1]
    if several:
        told = listed([" = ".join(names) for names in several])
        warn(f"{len(several)} sounds stand in several files, as one recording: {told}")
    return {name: names[0] for names in several for name in names}
