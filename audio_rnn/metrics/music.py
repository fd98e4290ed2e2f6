"""Statistics of a piece of music, as muspy defines them (Dong et al. 2020), and how it repeats itself.

Scale consistency: Mogren 2016; pitch-class entropy and groove consistency: Wu & Yang 2020.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audio_rnn.midi.piece import PITCHES, Piece

MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
MINOR = np.isin(np.arange(12), (0, 2, 3, 5, 7, 8, 10))

LONGEST_PERIOD = 8  # bars

Bar = tuple[tuple[int, int, int], ...]  # of each note: start in the bar, pitch, length


@dataclass(frozen=True)
class MusicStatistics:
    """Of all voices together, but for the last two."""

    notes: int
    bars: int
    seconds: float
    scale_consistency: float  # share of notes in the scale that fits best, major or natural minor
    pitch_class_entropy: float  # bits
    groove_consistency: float  # 1 where every bar has the rhythm of the bar before
    polyphony: float  # pitches that sound at once, while any does
    repetition: float  # share of the first voice's bars that are equal to an earlier one
    in_a_row: int  # times that some of its bars, up to eight, come one after the other, at most


def measure_music(piece: Piece) -> MusicStatistics:
    """Statistics of a tidy piece."""
    notes = [note for voice in piece.voices for note in voice.notes]
    classes = np.bincount([note.pitch % 12 for note in notes], minlength=12) / len(notes)
    scales = [np.roll(scale, root) for scale in (MAJOR, MINOR) for root in range(12)]
    some, bars = classes[classes > 0], _bars(piece)
    return MusicStatistics(
        notes=len(notes),
        bars=len(list(piece.bars())),
        seconds=piece.seconds(),
        scale_consistency=float(max(classes[scale].sum() for scale in scales)),
        pitch_class_entropy=float(-(some * np.log2(some)).sum()) + 0.0,
        groove_consistency=_groove([note.start for note in notes], piece),
        polyphony=_polyphony(piece),
        repetition=_repetition(bars),
        in_a_row=_in_a_row(bars),
    )


def _groove(starts: Sequence[int], piece: Piece) -> float:
    """One minus the mean share of steps in which neighbouring bars differ, by the first meter."""
    bar = piece.meters[0].bar
    bars = np.zeros((piece.end // bar + 1, bar), bool)
    bars[np.array(starts) // bar, np.array(starts) % bar] = True
    return float(1 - (bars[1:] != bars[:-1]).mean()) if len(bars) > 1 else float("nan")


def _polyphony(piece: Piece) -> float:
    sounding = np.zeros((len(PITCHES), piece.end), bool)
    for voice in piece.voices:
        for note in voice.notes:
            sounding[note.pitch, note.start : note.end] = True
    counts = sounding.sum(axis=0)
    return float(counts[counts > 0].mean())


def _bars(piece: Piece) -> list[Bar]:
    """What the first voice begins in each bar."""
    starts = [bar.start for bar in piece.bars()]
    inside: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for note in piece.voices[0].notes:
        bar = bisect_right(starts, note.start) - 1
        inside[bar].append((note.start - starts[bar], note.pitch, note.length))
    return [tuple(inside[bar]) for bar in range(len(starts))]


def _repetition(bars: Sequence[Bar]) -> float:
    """Of bars in which something begins."""
    begun = [bar for bar in bars if bar]
    return 1 - len(set(begun)) / len(begun)


def _in_a_row(bars: Sequence[Bar]) -> int:
    most = 1
    for period in range(1, LONGEST_PERIOD + 1):
        equal = 0  # bars up to here that are those a period before
        for bar, before in zip(bars[period:], bars):
            equal = equal + 1 if bar and bar == before else 0
            most = max(most, 1 + equal // period)
    return most
