"""Files of pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.data.pieces import read_pieces, transposed, write_pieces
from audio_rnn.errors import InputError
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import decode
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


def test_every_piece_stands_in_as_many_keys_as_asked():
    moved = transposed({"a": encode_with_controls(tune(60, 64))}, 12)
    tonics = {decode(ids).voices[0].notes[0].pitch for ids in moved.values()}
    assert tonics == set(range(55, 67))
    assert list(transposed({"a": encode_with_controls(tune(60))}, 1)) == ["a+0"]
    near_the_top = transposed({"a": encode_with_controls(tune(126))}, 12)
    assert {decode(ids).voices[0].notes[0].pitch for ids in near_the_top.values()} == set(
        range(121, 128)
    )
