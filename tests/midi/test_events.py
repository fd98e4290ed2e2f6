"""Pieces to symbols and back: nothing is lost, and nothing else is a piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.errors import MusicError
from audio_rnn.midi.decoding import decode, read_symbols
from audio_rnn.midi.encoding import encode
from audio_rnn.midi.files import read_midi
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.midi_file import midi_bytes, parse_midi
from audio_rnn.midi.piece import Key, Meter, Note, Piece, Tempo, Voice, transpose
from audio_rnn.midi.symbols import ANNOTATIONS, KIND, Kind, event_vocabulary, identify
from audio_rnn.midi.tidy import tidy
from tests.midi.pieces import NOTTINGHAM, pieces, tune


def names(piece: Piece) -> str:
    """The symbols of a piece, as people read them."""
    return event_vocabulary().decode(encode(piece))


def test_a_tune_with_a_chord_reads_as_documented():
    melody = Voice((Note(0, 67, 24, 92), Note(36, 69, 12, 92)))
    chords = Voice(tuple(Note(0, pitch, 72, 60) for pitch in (55, 59, 62)), program=48)
    piece = Piece((melody, chords), (Meter(0, 3, 4),), (Tempo(0, 100),), (Key(0, 1),))
    assert names(piece) == (
        "bar meter_3/4 key_G tempo_100 voice_1 program_0 voice_2 program_48 "
        "at_0 velocity_92 pitch_67 length_24 "
        "voice_2 velocity_60 pitch_55 pitch_59 pitch_62 length_72 "
        "at_36 pitch_69 length_12"
    )


@settings(max_examples=200)
@given(pieces)
def test_every_piece_is_the_same_after_symbols_and_after_a_file(raw: Piece):
    piece = tidy(raw)
    assert tidy(piece) == piece
    assert decode(encode(piece)) == piece
    assert parse_midi(midi_bytes(piece), "piece") == piece


@settings(max_examples=100)
@given(pieces, st.integers(-30, 30))
def test_transposing_back_gives_the_same_sound(raw: Piece, semitones: int):
    piece = tidy(raw)
    moved = transpose(piece, semitones)
    if moved is None:
        return
    assert tidy(moved).voices == moved.voices
    assert [(k.tonic - semitones) % 12 for k in moved.keys] == [k.tonic for k in piece.keys]
    back = transpose(moved, -semitones)
    assert back is not None
    assert back.voices == piece.voices


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 3]))
def test_whatever_keeps_to_the_grammar_is_a_piece(seed: int, bars: int | None):
    rng = np.random.default_rng(seed)
    grammar, ids = Grammar(bars=bars), []
    end = identify(Kind.END)
    while True:
        allowed = grammar.allowed()
        assert allowed.any(), event_vocabulary().decode(ids)[-300:]
        if allowed[end] and rng.random() < 0.2:
            break
        allowed[end] &= not allowed.sum() > 1
        if allowed[end]:
            break
        kinds = np.unique(KIND[allowed])
        symbol = int(rng.choice(np.flatnonzero(allowed & (rng.choice(kinds) == KIND))))
        grammar.read(symbol)
        ids.append(symbol)
    piece = decode(ids)
    sounding = tuple(voice for voice in piece.voices if voice.notes)
    assert tidy(piece) == replace(piece, voices=sounding)
    assert encode(piece) == [symbol for symbol in ids if KIND[symbol] not in ANNOTATIONS]
    assert bars is None or len(list(piece.bars())) == bars


def test_all_nottingham_files_come_back():
    files = sorted((NOTTINGHAM / "MIDI").glob("*.mid"))
    if not files:
        pytest.skip("needs the Nottingham MIDI files in ../shared/data")
    for number, path in enumerate(files):
        piece = read_midi(path)
        ids = encode(piece)
        assert read_symbols(ids).piece() == piece, path
        if number % 8 == 0:  # the same, and every symbol is one that the grammar allows
            assert decode(ids) == piece, path
        assert parse_midi(midi_bytes(piece), str(path)) == piece, path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bar tempo_120", "found symbol 'tempo_120' in bar 1 after bar"),
        ("bar meter_4/4 tempo_120 voice_1 program_0", "end inside a piece"),
        (
            "bar meter_4/4 tempo_120 voice_1 program_0 at_0 velocity_92 pitch_60 length_24 at_0",
            "found symbol 'at_0' in bar 1 after length",
        ),
        (
            "bar meter_4/4 tempo_120 voice_1 program_0 at_0 velocity_92 pitch_60 length_24 at_12 pitch_60",
            "found symbol 'pitch_60' in bar 1 after at",
        ),
        (
            "bar meter_2/4 tempo_120 voice_1 program_0 at_48",
            "found symbol 'at_48' in bar 1 after program",
        ),
    ],
)
def test_symbols_that_are_no_piece_are_named(text: str, message: str):
    with pytest.raises(MusicError, match=message):
        decode(event_vocabulary().encode(text))


def test_a_note_that_is_struck_again_ends_there():
    piece = tidy(Piece((Voice((Note(0, 60, 48), Note(24, 60, 48))),)))
    assert [(n.start, n.length) for n in piece.voices[0].notes] == [(0, 24), (24, 48)]


def test_a_bar_cut_by_a_change_of_meter_gets_its_own():
    piece = tidy(Piece(tune(*[60] * 8).voices, (Meter(0, 4, 4), Meter(72, 4, 4), Meter(144, 2, 4))))
    assert [(bar.start, bar.meter.beats) for bar in piece.bars()] == [(0, 3), (72, 3), (144, 2)]


def test_too_many_voices_and_odd_meters_are_named():
    with pytest.raises(MusicError, match="found 17 tracks with notes, expected at most 16"):
        tidy(Piece(tune(60).voices * 17))
    with pytest.raises(MusicError, match="found meter 31/32, expected bars of"):
        tidy(Piece(tune(60).voices, (Meter(0, 31, 32),)))
    assert tidy(Piece(tune(60).voices, (Meter(0, 8, 32),))).meters == (Meter(0, 1, 4),)
