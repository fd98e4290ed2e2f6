"""Bytes of MIDI files <-> pieces, by symusic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from audio_rnn.errors import MusicError
from audio_rnn.midi.piece import QUARTER, Key, Meter, Note, Piece, Tempo, Voice
from audio_rnn.midi.scan import check_midi
from audio_rnn.midi.tidy import tidy

if TYPE_CHECKING:
    from symusic import Score

TICKS = 480  # of a quarter note, in files that are written


def read_bytes(path: Path) -> bytes:
    """All of a file. Raises: MusicError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MusicError(f"{path}: cannot be read: {error.strerror}; check the name") from error


def parse_midi(data: bytes, name: str) -> Piece:
    """A tidy piece from the bytes of a MIDI file. Raises: MusicError."""
    from symusic import Score

    check_midi(data, name)
    try:
        score = Score.from_midi(data)
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise MusicError(
            f"{name}: damaged: {error}; expected a MIDI file, export it again"
        ) from error
    return tidy_score(score, name)


def tidy_score(score: Score, name: str) -> Piece:
    """A tidy piece from what symusic read. Raises: MusicError."""
    try:
        return tidy(on_grid(score))
    except MusicError as error:
        raise MusicError(f"{name}: {error}") from None


def on_grid(score: Score) -> Piece:
    """What symusic read, rounded to the grid, without drums. Raises: MusicError for drums only."""
    drums = sum(len(track.notes) for track in score.tracks if track.is_drum)
    pitched = [track for track in score.tracks if not track.is_drum and len(track.notes)]
    if drums and not pitched:
        raise MusicError(f"found drums only, {drums} notes; expected notes with a pitch")
    scale = QUARTER / score.ticks_per_quarter

    def step(ticks: int) -> int:
        return round(ticks * scale)

    def note(n: Any) -> Note:
        return Note(step(n.time), n.pitch, max(step(n.end) - step(n.time), 1), n.velocity)

    return Piece(
        tuple(Voice(tuple(map(note, track.notes)), track.program) for track in pitched),
        tuple(Meter(step(m.time), m.numerator, m.denominator) for m in score.time_signatures),
        tuple(Tempo(step(t.time), round(t.qpm)) for t in score.tempos),
        tuple(Key(step(k.time), k.key, bool(k.tonality)) for k in score.key_signatures),
    )


def midi_bytes(piece: Piece) -> bytes:
    """A piece as the bytes of a MIDI file."""
    return score_of(piece).dumps_midi()


def score_of(piece: Piece) -> Score:
    """A piece as symusic has it."""
    import symusic

    scale = TICKS // QUARTER
    score = symusic.Score(TICKS)
    for voice in piece.voices:
        track = symusic.Track(program=voice.program)
        for n in voice.notes:
            track.notes.append(symusic.Note(n.start * scale, n.length * scale, n.pitch, n.velocity))
        score.tracks.append(track)
    for m in piece.meters:
        score.time_signatures.append(symusic.TimeSignature(m.start * scale, m.beats, m.unit))
    for t in piece.tempos:
        score.tempos.append(symusic.Tempo(t.start * scale, t.bpm))
    for k in piece.keys:
        score.key_signatures.append(symusic.KeySignature(k.start * scale, k.fifths, int(k.minor)))
    return score
