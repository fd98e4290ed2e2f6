"""What is asked of music that is to be generated: key, meter, length and course."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tyro

from audio_rnn.errors import MusicError

if TYPE_CHECKING:
    from audio_rnn.decoding.plan import Plan
    from audio_rnn.midi.piece import Key

Flag = tyro.conf.FlagCreatePairsOff[bool]


@dataclass(frozen=True)
class Wanted:
    """What the pieces shall be; what is not named is left to the model."""

    key: str | None = None
    """G, Eb, F#m ..."""
    meter: str | None = None
    """3/4, 6/8 ..."""
    tempo: int | None = None
    """Quarter notes a minute; the nearest mark of a metronome is taken."""
    bars: int | None = None
    """How many, those of a primer included."""
    density: str | None = None
    """Notes of the melody, 0 (few) to 1 (many): the share of the training set that has fewer;
    0.3:0.7 goes from one to the other."""
    register: str | None = None
    """How high the melody is, 0 (low) to 1 (high): the share of the training set that is lower;
    0.4:0.6 goes from one to the other."""
    guidance: float = 2.0
    """How much more than it learned a model follows density and register; 1 for as much."""
    range: str | None = None
    """Lowest and highest pitch that may sound, as MIDI numbers: 48:84."""
    scale: Flag = False
    """Only pitches of the key (in minor with both sixths and sevenths)."""


def make_plan(wanted: Wanted, endless: bool = False) -> Plan:
    """What was asked for, checked. Raises: InputError."""
    from audio_rnn.decoding.plan import Plan

    low, high = _pair(wanted.range, "--range", "48:84", int) or (0, 127)
    return Plan(
        key=parse_key(wanted.key) if wanted.key else None,
        meter=_meter(wanted.meter) if wanted.meter else None,
        tempo=wanted.tempo,
        bars=float("inf") if endless else wanted.bars,
        density=_pair(wanted.density, "--density", "0.3:0.7", float),
        register=_pair(wanted.register, "--register", "0.4:0.6", float),
        lowest=int(low),
        highest=int(high),
        scale=wanted.scale,
        guidance=wanted.guidance,
    )


def parse_key(name: str) -> Key:
    """G, Eb, F#m ... Raises: MusicError."""
    from audio_rnn.midi.symbols import KEYS

    for key in KEYS:
        if key.name.lower() == name.lower():
            return key
    names = ", ".join(key.name for key in KEYS)
    raise MusicError(f"--key: found {name!r}, expected one of {names}")


def _meter(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match:
        raise MusicError(f"--meter: found {text!r}, expected such as 3/4 or 6/8")
    return int(match[1]), int(match[2])


def _pair(
    text: str | None, name: str, example: str, number: type[int] | type[float]
) -> tuple[float, float] | None:
    """One number, or two with a colon between them."""
    if text is None:
        return None
    try:
        parts = [number(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if len(parts) not in (1, 2):
        raise MusicError(f"{name}: found {text!r}, expected a number, or two such as {example}")
    return parts[0], parts[-1]
