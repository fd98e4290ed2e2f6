"""A MIDI file that grows is a whole one all the time."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from audio_rnn.midi.midi_file import parse_midi
from audio_rnn.midi.piece import Piece
from audio_rnn.midi.stream import MidiStream
from audio_rnn.midi.tidy import tidy
from tests.midi.pieces import pieces


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces)
def test_what_is_streamed_is_the_piece(tmp_path: Path, raw: Piece):
    piece = tidy(raw)
    stream = MidiStream(tmp_path / "a.mid")
    for number, voice in enumerate(piece.voices):
        stream.program(number, voice.program)
    marks = [*piece.meters, *piece.tempos, *piece.keys]
    first = True
    for bar in piece.bars():
        for mark in marks:
            if bar.start <= mark.start < bar.end:
                stream.change(mark)
        for number, voice in enumerate(piece.voices):
            stream.notes(number, [n for n in voice.notes if bar.start <= n.start < bar.end])
        stream.write(bar.start)
        size = (tmp_path / "a.mid").stat().st_size
        assert first or size > 22
        first = False
    stream.close()
    found = parse_midi((tmp_path / "a.mid").read_bytes(), "a.mid")
    by_program = lambda p: sorted(p.voices, key=lambda v: (v.program, v.notes))  # noqa: E731
    assert by_program(found) == by_program(piece)
    assert (found.meters, found.tempos, found.keys) == (piece.meters, piece.tempos, piece.keys)
