"""Voices around a melody by a model of voices: the melody stays; what it cannot take is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.__main__ import main
from audio_rnn.data.rolls import KEYS, LOWEST_PITCH
from audio_rnn.errors import ModelError, MusicError
from audio_rnn.inference.harmonizer import FRAME, Harmonizer, keys_of, voices_of
from audio_rnn.midi.files import read_piece, write_midi
from audio_rnn.midi.piece import Note, Piece, Tempo, Voice
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.folder import write_model
from audio_rnn.models.rolls import RollConfig, RollModel

MELODY = Voice(
    (Note(0, 67, 4 * FRAME), Note(4 * FRAME, 67, 2 * FRAME), Note(8 * FRAME, 72, FRAME)), program=40
)
PIECE = tidy(Piece((MELODY,), tempos=(Tempo(0, 96),)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model of voices that knows nothing of music."""
    torch.manual_seed(0)
    config = RollConfig(heads=("voices",), window=6, reach=2, hidden=12, lowest=20, highest=56)
    model = RollModel(config, voices=4)
    path = tmp_path_factory.mktemp("voices")
    write_model(path, model, model.describe())
    return path


def test_the_melody_stays_note_for_note_and_others_are_around_it(folder: Path) -> None:
    harmony = Harmonizer.load(folder).harmonize(PIECE, seed=1, particles=3)
    assert harmony.voices[0] == PIECE.voices[0] and harmony.tempos == PIECE.tempos
    assert len(harmony.voices) == 4
    assert harmony.end <= PIECE.end


def test_a_line_becomes_keys_and_comes_back_with_held_notes_in_one() -> None:
    sung = keys_of(MELODY)
    expected = [67 - LOWEST_PITCH] * 6 + [KEYS] * 2 + [72 - LOWEST_PITCH]
    assert sung.tolist() == expected
    roll = np.eye(KEYS + 1, dtype=np.uint8)[sung][:, np.newaxis, :KEYS]
    (voice,) = voices_of(roll)
    assert [(n.start, n.pitch, n.length) for n in voice.notes] == [
        (0, 67, 6 * FRAME), (8 * FRAME, 72, FRAME),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ((Note(0, 60, FRAME), Note(0, 64, FRAME)), "while another sounds"),
        ((Note(0, 60, FRAME - 1),), "expected sixteenths"),
        ((Note(2, 60, FRAME),), "expected sixteenths"),
        ((Note(0, 120, FRAME),), "found pitch 120, expected 21 to 108"),
    ],
)
def test_a_melody_that_the_model_cannot_take_is_named(
    notes: tuple[Note, ...], message: str, folder: Path
) -> None:
    piece = replace(PIECE, voices=(Voice(notes),))
    with pytest.raises(MusicError, match=message):
        Harmonizer.load(folder).harmonize(piece)


def test_a_model_of_rolls_without_voices_is_named(tmp_path: Path) -> None:
    model = RollModel(RollConfig(hidden=8))
    write_model(tmp_path, model, model.describe())
    with pytest.raises(ModelError, match=r"keeps no voices apart.*jsb_16th\.yaml"):
        Harmonizer.load(tmp_path)


def test_the_command_writes_pieces_and_refuses_what_the_model_does_not_know(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    melody, output = tmp_path / "melody.mid", tmp_path / "h.mid"
    write_midi(melody, PIECE)
    command = ["generate", "-m", str(folder), "--harmonize", str(melody), "-o", str(output)]
    assert main([*command, "--count", "2", "--seed", "4"]) == 0
    pieces = [read_piece(tmp_path / f"h-{n}.mid") for n in (1, 2)]
    assert pieces[0] != pieces[1] and {len(piece.voices) for piece in pieces} == {4}
    assert pieces[1] == Harmonizer.load(folder).harmonize(PIECE, seed=5)
    assert main([*command, "--key", "G"]) == 1
    assert "a model of voices, which knows no keys" in " ".join(capsys.readouterr().err.split())
    assert main(["generate", "-m", str(folder), "-o", str(output)]) == 1
    assert "expected one of event symbols" in " ".join(capsys.readouterr().err.split())
    assert not output.exists()
