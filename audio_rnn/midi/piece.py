"""A piece of music: notes of voices on a grid, with meters, tempos and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

QUARTER = 24  # steps of the grid in a quarter note: down to 32nds, 16th triplets
WHOLE = 4 * QUARTER
PITCHES = range(128)  # MIDI numbers, 60 is middle C
FIFTHS = range(-7, 8)  # sharps (or flats, below 0) of a key signature
# By fifths, of major keys from the first on, of minor ones from Ab on
TONICS = (
    *("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G"),
    *("D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"),
)


@dataclass(frozen=True, order=True)
class Note:
    """One note."""

    start: int  # steps from the beginning
    pitch: int
    length: int  # steps
    velocity: int = 90  # 1 to 127

    @property
    def end(self) -> int:
        """The first step in which it sounds no more."""
        return self.start + self.length


@dataclass(frozen=True)
class Voice:
    """Notes of one track, by start and pitch; no pitch begins while it sounds."""

    notes: tuple[Note, ...]
    program: int = 0  # of General MIDI, from 0


@dataclass(frozen=True, order=True)
class Meter:
    """From `start` on, bars of so many beats."""

    start: int
    beats: int
    unit: int  # a beat is one part in so many of a whole note

    @property
    def bar(self) -> int:
        """Steps of a bar."""
        return self.beats * WHOLE // self.unit


@dataclass(frozen=True, order=True)
class Tempo:
    """From `start` on, so many quarter notes a minute."""

    start: int
    bpm: int


@dataclass(frozen=True, order=True)
class Key:
    """From `start` on, this key signature."""

    start: int
    fifths: int
    minor: bool = False

    @property
    def tonic(self) -> int:
        """Pitch class of the key's first degree, C being 0."""
        return (7 * self.fifths + (9 if self.minor else 0)) % 12

    @property
    def name(self) -> str:
        """As people write it: Eb, F#m."""
        return TONICS[self.fifths + (10 if self.minor else 7)] + "m" * self.minor


@dataclass(frozen=True)
class Bar:
    """One bar."""

    start: int
    meter: Meter

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.start + self.meter.bar


@dataclass(frozen=True)
class Piece:
    """Voices, and what holds for all of them. `tidy` makes one that keeps to all the rules."""

    voices: tuple[Voice, ...]
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)  # one at 0; each at the beginning of a bar
    tempos: tuple[Tempo, ...] = (Tempo(0, 120),)  # one at 0
    keys: tuple[Key, ...] = ()  # none where no key is known

    @property
    def end(self) -> int:
        """Where the last note ends."""
        return max((note.end for voice in self.voices for note in voice.notes), default=0)

    def bars(self) -> Iterator[Bar]:
        """All bars until the last note has ended."""
        changes = list(reversed(self.meters))
        start, end, meter = 0, self.end, changes[-1]
        while start < end:
            while changes and changes[-1].start <= start:
                meter = changes.pop()
            yield Bar(start, meter)
            start += meter.bar

    def seconds(self) -> float:
        """How long it takes."""
        marks = [tempo.start for tempo in self.tempos if tempo.start < self.end] + [self.end]
        spans = zip(marks, marks[1:], self.tempos)
        return sum((end - start) / QUARTER * 60 / tempo.bpm for start, end, tempo in spans)


def transpose(piece: Piece, semitones: int) -> Piece | None:
    """The piece so much higher, key signatures too; None where a pitch would leave MIDI's range."""
    pitches = [note.pitch for voice in piece.voices for note in voice.notes]
    if pitches and not (
        min(pitches) + semitones in PITCHES and max(pitches) + semitones in PITCHES
    ):
        return None
    voices = tuple(
        replace(v, notes=tuple(replace(n, pitch=n.pitch + semitones) for n in v.notes))
        for v in piece.voices
    )
    keys = tuple(replace(k, fifths=shift_fifths(k.fifths, semitones)) for k in piece.keys)
    return replace(piece, voices=voices, keys=keys)


def shift_fifths(fifths: int, semitones: int) -> int:
    """The key signature so much higher: of equal sound, with at most six sharps or flats.

    No transposition leaves it as it is, also beyond six.
    """
    return fifths if semitones % 12 == 0 else (fifths + 7 * semitones + 5) % 12 - 5
