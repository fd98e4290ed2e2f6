"""A tidy piece -> ids of event symbols."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from audio_rnn.midi.piece import WHOLE, Bar, Note, Piece
from audio_rnn.midi.symbols import KEYS, METERS, TEMPOS, VELOCITIES, Kind, identify

METER_IDS = {meter: identify(Kind.METER, i) for i, meter in enumerate(METERS)}
KEY_IDS = {(key.fifths, key.minor): identify(Kind.KEY, i) for i, key in enumerate(KEYS)}
TEMPO_IDS = {bpm: identify(Kind.TEMPO, i) for i, bpm in enumerate(TEMPOS)}
VELOCITY_IDS = {velocity: identify(Kind.VELOCITY, i) for i, velocity in enumerate(VELOCITIES)}

Marks = dict[int, int]  # step -> the id of what changes there
Chords = dict[int, dict[int, list[Note]]]  # step -> voice -> the notes that begin there


def encode(piece: Piece, annotations: Mapping[int, Sequence[int]] | None = None) -> list[int]:
    """Ids of the symbols of a piece that `tidy` made; `decode` gives the same piece back.

    Annotations are symbols to write into the heads of bars, by the steps these begin at. A bar is `bar`, what changes with it, then its positions in order, with voices in order, with
    chords in order of length: `pitch_55 pitch_59 pitch_62 length_72`.
    """
    meters: Marks = {m.start: METER_IDS[m.beats, m.unit] for m in piece.meters}
    keys: Marks = {k.start: KEY_IDS[k.fifths, k.minor] for k in piece.keys}
    tempos: Marks = {t.start: TEMPO_IDS[t.bpm] for t in piece.tempos}
    writer = _Writer(piece, keys, tempos)
    ids: list[int] = []
    for bar in piece.bars():
        ids.append(identify(Kind.BAR))
        ids.extend(marks[bar.start] for marks in (meters, keys, tempos) if bar.start in marks)
        ids.extend((annotations or {}).get(bar.start, ()))
        if bar.start == 0:
            ids.extend(_programs(piece))
        ids.extend(writer.positions(bar))
    return ids


def _programs(piece: Piece) -> Iterator[int]:
    for i, voice in enumerate(piece.voices):
        yield identify(Kind.VOICE, i)
        yield identify(Kind.PROGRAM, voice.program)


class _Writer:
    """The symbols behind the head of each bar."""

    def __init__(self, piece: Piece, keys: Marks, tempos: Marks) -> None:
        self.keys, self.tempos = keys, tempos
        self.chords: Chords = defaultdict(lambda: defaultdict(list))
        for i, voice in enumerate(piece.voices):
            for note in voice.notes:
                self.chords[note.start][i].append(note)
        self.steps = sorted({*self.chords, *keys, *tempos}, reverse=True)
        self.velocities: dict[int, int] = {}  # voice -> that of its last note

    def positions(self, bar: Bar) -> Iterator[int]:
        while self.steps and self.steps[-1] < bar.end:
            step = self.steps.pop()
            inside = step > bar.start
            if step in self.chords or inside:
                yield identify(Kind.AT, step - bar.start)
            if inside:
                yield from (marks[step] for marks in (self.keys, self.tempos) if step in marks)
            for voice, notes in self.chords.get(step, {}).items():
                if voice:
                    yield identify(Kind.VOICE, voice)
                yield from self._chords(voice, notes)

    def _chords(self, voice: int, notes: list[Note]) -> Iterator[int]:
        def order(note: Note) -> tuple[int, int]:
            return note.length, note.velocity

        for (length, velocity), chord in groupby(sorted(notes, key=order), order):
            if self.velocities.get(voice) != velocity:
                self.velocities[voice] = velocity
                yield VELOCITY_IDS[velocity]
            yield from (identify(Kind.PITCH, pitch) for pitch in sorted(n.pitch for n in chord))
            holds = (length - 1) // WHOLE
            yield from [identify(Kind.HOLD)] * holds
            yield identify(Kind.LENGTH, length - holds * WHOLE - 1)
