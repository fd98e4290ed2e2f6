"""Tunes composed by rules: the embedded default, drawn from a seed.

A tune has phrases of four bars over a chain of chords that ends in a half or a full cadence, in the
form of folk tunes: AABB, ABAC, AABA ... A phrase that comes again is varied in a few notes. Melodies
step along the scale and leap within the chord; on strong beats they are in the chord.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from audio_rnn.midi.piece import QUARTER, Key, Meter, Note, Piece, Tempo, Voice
from audio_rnn.midi.tidy import tidy

METERS = ((4, 4), (3, 4), (6, 8), (2, 4))
FORMS = ("AABB", "ABAC", "AABA", "ABCB", "AABC")
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
TEMPOS = (80, 92, 100, 112, 120, 132)
# Degrees of chords, and what may follow each one
FOLLOWERS = {0: (3, 4, 5, 1), 1: (4,), 3: (0, 4, 1), 4: (0, 5), 5: (3, 1, 4)}
HALF, FULL = (3, 4), (4, 0)  # cadences: the chords of a phrase's last two bars
RHYTHMS = {  # of a bar, in eighth notes
    8: ((2, 2, 2, 2), (1, 1, 2, 2, 2), (2, 1, 1, 2, 2), (3, 1, 2, 2), (2, 2, 1, 1, 2), (1,) * 8),
    6: ((2, 2, 2), (3, 1, 2), (1, 1, 2, 2), (2, 1, 1, 2), (4, 2)),
    4: ((2, 2), (1, 1, 2), (2, 1, 1), (3, 1), (1, 1, 1, 1)),
}
COMPOUND = ((3, 3), (2, 1, 2, 1), (2, 1, 3), (1, 1, 1, 2, 1), (3, 2, 1), (1,) * 6)  # of 6/8
LOW, HIGH = -3, 12  # degrees of the scale that a melody keeps to
EIGHTH = QUARTER // 2
VARIED = 0.15  # of the notes of a phrase that comes again


@dataclass(frozen=True)
class Phrase:
    """Four bars: for each its chord, and degrees and eighths of its melody."""

    chords: tuple[int, ...]
    bars: tuple[tuple[tuple[int, int], ...], ...]


def compose(seed: str) -> Piece:
    """The tune of a seed."""
    rng = random.Random(seed)
    meter = rng.choice(METERS)
    minor = rng.random() < 0.35
    key = Key(0, rng.randint(-4, 4), minor)
    form = rng.choice(FORMS)
    drawn = {name: _phrase(rng, meter, _cadence(form, name)) for name in sorted(set(form))}
    phrases = [
        drawn[name] if name not in form[:i] else _vary(rng, drawn[name])
        for i, name in enumerate(form)
    ]
    return tidy(_write(phrases, key, Meter(0, *meter), Tempo(0, rng.choice(TEMPOS))))


def _cadence(form: str, name: str) -> tuple[int, int]:
    """A phrase that ends the tune, or its half, closes; others stay open."""
    return FULL if name in (form[-1], form[1]) else HALF


def _phrase(rng: random.Random, meter: tuple[int, int], cadence: tuple[int, int]) -> Phrase:
    chords = [0, rng.choice(FOLLOWERS[0]), *cadence]
    rhythms = COMPOUND if meter == (6, 8) else RHYTHMS[8 * meter[0] // meter[1]]
    degree, bars = rng.choice((0, 2, 4)), []
    for i, chord in enumerate(chords):
        if i == len(chords) - 1:
            rhythm: tuple[int, ...] = (8 * meter[0] // meter[1],)
        else:
            rhythm = rng.choice(rhythms)
        bar = []
        for place, eighths in enumerate(rhythm):
            degree = _next(rng, degree, chord, strong=place == 0)
            bar.append((degree, eighths))
        bars.append(tuple(bar))
    return Phrase(tuple(chords), tuple(bars))


def _next(rng: random.Random, degree: int, chord: int, strong: bool) -> int:
    """A step or a leap from a degree: on strong beats to the nearest of the chord."""
    if strong or rng.random() < 0.25:
        inside = [d for d in range(LOW, HIGH + 1) if (d - chord) % 7 in (0, 2, 4) and d != degree]
        return min(inside, key=lambda d: (abs(d - degree), rng.random()))
    step = rng.choice((-2, -1, -1, 1, 1, 2))
    return degree + step if LOW <= degree + step <= HIGH else degree - step


def _vary(rng: random.Random, phrase: Phrase) -> Phrase:
    """The same phrase with some of its weak notes moved by a step."""
    bars = tuple(
        tuple(
            (degree + rng.choice((-1, 1)) if place and rng.random() < VARIED else degree, eighths)
            for place, (degree, eighths) in enumerate(bar)
        )
        for bar in phrase.bars
    )
    return Phrase(phrase.chords, bars)


def _write(phrases: list[Phrase], key: Key, meter: Meter, tempo: Tempo) -> Piece:
    scale = MINOR if key.minor else MAJOR
    tonic = 60 + (key.tonic + 5) % 12 - 5  # F#3 to F4
    melody, chords, start = [], [], 0

    def pitch(degree: int) -> int:
        return tonic + 12 * (degree // 7) + scale[degree % 7]

    for phrase in phrases:
        for chord, bar in zip(phrase.chords, phrase.bars):
            dominant = key.minor and chord == 4
            for part in (0, 2, 4):  # in minor, the dominant is a major chord
                raised = int(dominant and part == 2)
                chords.append(Note(start, pitch(chord + part) - 12 + raised, meter.bar, 76))
            place = start
            for degree, eighths in bar:
                raised = int(dominant and degree % 7 == 6)
                melody.append(Note(place, pitch(degree) + raised, eighths * EIGHTH, 92))
                place += eighths * EIGHTH
            start += meter.bar
    return Piece((Voice(tuple(melody)), Voice(tuple(chords))), (meter,), (tempo,), (key,))
