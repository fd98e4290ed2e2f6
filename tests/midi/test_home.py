"""Pieces at home, and back where they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from audio_rnn.midi.files import read_midi
from audio_rnn.midi.home import Home, estimate_key
from audio_rnn.midi.piece import Key, Note, Piece, Voice
from audio_rnn.midi.tidy import tidy
from tests.midi.pieces import NOTTINGHAM, pieces, tune


@settings(max_examples=100)
@given(pieces)
def test_whatever_is_brought_home_comes_back(raw: Piece):
    piece = tidy(raw)
    home = Home.of(piece)
    there = home.bring(piece)
    back = home.lead(there)
    assert (back.voices, back.meters, back.tempos) == (piece.voices, piece.meters, piece.tempos)
    assert not piece.keys or home == Home(0, 0) or there.keys[0].fifths == 0
    if len(piece.keys) < 2:  # of two, one may have to be spelled with sharps in place of flats
        assert back.keys == piece.keys


@pytest.mark.parametrize("fifths", range(-7, 8))
@pytest.mark.parametrize("minor", [False, True])
def test_the_way_is_the_shortest_one(fifths: int, minor: bool):
    key = Key(0, fifths, minor)
    home = Home.of_key(key)
    assert -5 <= home.semitones <= 6
    assert home.bring_key(key) == Key(0, 0, minor)
    assert (home.bring_key(key).tonic + home.semitones) % 12 == key.tonic
    assert Home.of(replace(tune(60, 64), keys=(key,))) == home


def test_a_piece_at_the_edge_takes_another_octave_and_one_too_wide_stays():
    high = replace(tune(126, 127), keys=(Key(0, -1),))  # F, 5 higher than C
    assert Home.of(high) == Home(-1, 5)
    low = replace(tune(0, 3), keys=(Key(0, -1),))
    assert Home.of(low) == Home(-1, -7)
    wide = Piece((Voice((Note(0, 0, 24), Note(24, 127, 24))),), keys=(Key(0, 2),))
    assert Home.of(wide) == Home(0, 0)


def test_keys_of_tunes_that_tell_none_are_mostly_right():
    assert estimate_key(tune(60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)) == Key(0, 0)
    assert estimate_key(tune(57, 64, 60, 57, 62, 64, 56, 57)) == Key(0, 0, minor=True)
    files = sorted((NOTTINGHAM / "MIDI").glob("jigs*.mid"))[::5]
    if not files:
        pytest.skip("needs the Nottingham MIDI files in ../shared/data")
    tunes = [piece for piece in map(read_midi, files) if len(piece.keys) == 1]
    right = [estimate_key(piece).tonic == piece.keys[0].tonic for piece in tunes]
    assert sum(right) > 0.7 * len(right) > 30
