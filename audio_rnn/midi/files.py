"""Files of music <-> pieces."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.errors import MusicError
from audio_rnn.midi.abc_tunes import read_abc
from audio_rnn.midi.midi_file import midi_bytes, parse_midi, read_bytes
from audio_rnn.midi.musicxml import read_musicxml
from audio_rnn.midi.piece import Piece

MIDI = (".mid", ".midi", ".kar")
ABC = (".abc",)
MUSICXML = (".musicxml", ".mxl", ".xml")


def read_piece(path: str | Path) -> Piece:
    """A tidy piece from a MIDI, ABC or MusicXML file (of which the last needs `musicxml`).

    Drums are left out.

    Raises: MusicError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in MIDI:
        return read_midi(path)
    if suffix in ABC:
        return read_abc(path)
    if suffix in MUSICXML:
        return read_musicxml(path)
    known = ", ".join((*MIDI, *ABC, *MUSICXML))
    raise MusicError(f"{path}: found no music by its name, expected one of {known}")


def read_midi(path: Path) -> Piece:
    """A tidy piece from a MIDI file. Raises: MusicError."""
    return parse_midi(read_bytes(path), str(path))


def write_midi(path: str | Path, piece: Piece) -> None:
    """Write a piece as a MIDI file of type 1. Raises: MusicError."""
    try:
        Path(path).write_bytes(midi_bytes(piece))
    except OSError as error:
        raise MusicError(f"{path}: cannot be written: {error.strerror}") from error
