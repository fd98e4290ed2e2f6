"""Any notes and signatures -> a piece that keeps to the grid and to the rules of the symbols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from audio_rnn.errors import MusicError
from audio_rnn.midi.lengths import LONGEST
from audio_rnn.midi.piece import WHOLE, Key, Meter, Note, Piece, Tempo, Voice
from audio_rnn.midi.symbols import METERS, TEMPOS, VELOCITIES, VOICES

Mark = TypeVar("Mark", Meter, Tempo, Key)

DEFAULT_METER = Meter(0, 4, 4)  # those of MIDI
DEFAULT_TEMPO = Tempo(0, 120)


def tidy(piece: Piece) -> Piece:
    """The same music, as symbols can write it; tidying it again changes nothing.

    - Velocities and tempos become the nearest that have symbols.
    - A pitch that is struck while it sounds in the same voice ends there; of two at once the
      longer stays; voices without notes go.
    - A note of more than 128 whole notes ends there.
    - A bar that a change of meter cuts short gets the meter that it has without its rest; where
      there is none, the change waits for the next bar.
    - Changes that change nothing, or come after the last bar, go.

    Raises: MusicError for no notes, too many voices, or a meter without symbol.
    """
    voices = tuple(
        Voice(tuple(_notes(voice.notes)), voice.program) for voice in piece.voices if voice.notes
    )
    if not voices:
        raise MusicError("found no notes, expected at least one in a track that is not drums")
    if len(voices) > len(VOICES):
        raise MusicError(
            f"found {len(voices)} tracks with notes, expected at most {len(VOICES)}; merge some"
        )
    whole = replace(piece, voices=voices)
    whole = replace(whole, meters=tuple(_meters(_each(piece.meters, DEFAULT_METER), whole.end)))
    end = [bar.end for bar in whole.bars()][-1]
    tempos = [Tempo(t.start, nearest(TEMPOS, t.bpm)) for t in _each(piece.tempos, DEFAULT_TEMPO)]
    return replace(
        whole,
        tempos=tuple(_changes(tempos, end)),
        keys=tuple(_changes(_each(piece.keys, None), end)),
    )


def nearest(values: Sequence[int], wanted: float) -> int:
    """The value next to `wanted`, the lower of two."""
    return min(values, key=lambda value: (abs(value - wanted), value))


def _notes(notes: Iterable[Note]) -> list[Note]:
    longest: dict[tuple[int, int], Note] = {}
    for note in sorted(notes):  # of equal start and pitch, the longest comes last
        longest[note.start, note.pitch] = note
    kept: list[Note] = []
    following: dict[int, int] = {}  # pitch -> where it begins next
    for note in reversed(longest.values()):
        length = min(note.length, following.get(note.pitch, note.end) - note.start, LONGEST)
        following[note.pitch] = note.start
        kept.append(replace(note, length=length, velocity=VELOCITIES[note.velocity // 8]))
    return kept[::-1]


def _each(marks: Iterable[Mark], default: Mark | None) -> list[Mark]:
    """One mark a step, the last of it; the first one at 0 where there must be one."""
    by_start = {mark.start: mark for mark in sorted(marks, key=lambda mark: mark.start)}
    if default is not None:
        by_start.setdefault(0, default)
    return sorted(by_start.values(), key=lambda mark: mark.start)


def _changes(marks: Iterable[Mark], end: int) -> list[Mark]:
    kept: list[Mark] = []
    for mark in marks:
        if mark.start < end and not (kept and replace(mark, start=kept[-1].start) == kept[-1]):
            kept.append(mark)
    return kept


def _meters(marks: list[Meter], end: int) -> list[Meter]:
    bars: list[Meter] = []
    start, waiting = 0, [_known(mark) for mark in marks][::-1]
    meter = waiting[-1]
    while start < end:
        while waiting and waiting[-1].start <= start:
            meter = waiting.pop()
        room = waiting[-1].start - start if waiting else WHOLE * 2
        cut = _of_length(start, room) if room < meter.bar else None
        bars.append(cut or replace(meter, start=start))
        start += bars[-1].bar
    return _changes(bars, end)


def _known(meter: Meter) -> Meter:
    if (meter.beats, meter.unit) in METERS:
        return meter
    length = meter.beats * WHOLE / meter.unit if meter.unit else 0
    known = _of_length(meter.start, round(length)) if length == round(length) else None
    if known is None:
        raise MusicError(
            f"found meter {meter.beats}/{meter.unit}, expected bars of at most two whole notes, in "
            "beats of 1/2, 1/4, 1/8 or 1/16"
        )
    return known


def _of_length(start: int, steps: int) -> Meter | None:
    """The simplest meter whose bars have so many steps."""
    found = (Meter(start, *m) for m in METERS if Meter(0, *m).bar == steps)
    return next(iter(sorted(found, key=lambda m: (m.unit != 4, m.unit))), None)
