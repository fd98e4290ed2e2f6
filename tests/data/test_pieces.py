"""Files of pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audio_rnn.data.pieces import at_home, read_pieces, write_pieces
from audio_rnn.errors import InputError
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.encoding import encode
from audio_rnn.midi.piece import Key
from audio_rnn.midi.symbols import KIND, Kind
from tests.midi.pieces import tune


def test_pieces_are_read_as_they_were_written(tmp_path: Path):
    pieces = {"a": encode_with_controls(tune(60, 64)), "bé": encode_with_controls(tune(72))}
    write_pieces(tmp_path / "p.jsonl", pieces)
    assert read_pieces(tmp_path / "p.jsonl") == pieces


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.jsonl: found no piece"),
        ("{}\n", "p.jsonl:1: found no piece: KeyError"),
        ('{"id": "a", "symbols": "bar what"}\n', "p.jsonl:1: symbol 'what'"),
        ('{"id": "a", "symbols": "bar"}\n' * 2, "p.jsonl:2: id 'a' stands twice"),
        ("no json\n", "p.jsonl:1: found no piece"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "p.jsonl").write_text(text)
    with pytest.raises(InputError, match=message):
        read_pieces(tmp_path / "p.jsonl")


def test_pieces_are_read_in_one_key_and_some_without_their_number_of_bars():
    tunes = {str(n): replace(tune(60 + n, 64 + n), keys=(Key(0, n),)) for n in range(-4, 5)}
    moved = at_home({name: encode(piece) for name, piece in tunes.items()}, untold=3)
    assert list(moved) == list(tunes)
    assert {decode(ids).keys for ids in moved.values()} == {(Key(0, 0),)}
    told = [bool((KIND[ids] == Kind.BARS).sum()) for ids in moved.values()]
    assert told == [False, True, True] * 3
