"""MusicXML -> pieces, through partitura (extra: musicxml)."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from audio_rnn.errors import MusicError
from audio_rnn.midi.midi_file import parse_midi, read_bytes
from audio_rnn.midi.piece import Piece


def read_musicxml(path: Path) -> Piece:
    """A tidy piece from a MusicXML file, a part a voice. Raises: MusicError."""
    read_bytes(path)  # says what is wrong with a path
    try:
        import partitura
    except ImportError as error:
        raise MusicError(
            f"{path}: MusicXML needs partitura; install audio-rnn[musicxml], or export MIDI"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = partitura.load_musicxml(str(path), force_note_ids="keep")
            file = io.BytesIO()
            partitura.save_score_midi(score, file, part_voice_assign_mode=0)
    except Exception as error:  # of any kind: KeyError, AttributeError, lxml's; Ctrl-C is none
        raise MusicError(
            f"{path}: no MusicXML that can be read: {error}; export it again"
        ) from error
    return parse_midi(file.getvalue(), str(path))
