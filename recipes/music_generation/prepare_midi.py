"""Prepare a folder of one's own: MIDI, ABC and MusicXML files, with all folders below it.

Folders named train, valid and test directly in SOURCE are the splits; without them, 10 % each are
held out for validation and test. Drums are left out; a file that cannot be read, or that mostly says
the melody of an earlier one, is named and left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audio_rnn.errors import InputError, MusicError
from audio_rnn.files import files_below
from audio_rnn.midi.files import ABC, MIDI, MUSICXML, read_piece
from audio_rnn.midi.piece import Piece, Voice
from audio_rnn.midi.tidy import tidy
from recipes.music_generation.pieces import SPLITS, hold_out, write_corpus
from recipes.prepare import Source, leave_out, refuse, require_folder, run


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of music."""
    output: Path = Path("data/own_music")
    """Folder for the pieces."""
    merge: bool = False
    """Put all voices of a piece into one, as for piano."""
    share: float = 0.1
    """Share of the pieces held out for validation, and for test."""
    strict: bool = False
    """Stop at a file that cannot be read."""


def prepare(options: Options) -> None:
    """Write the pieces. Raises: InputError."""
    if not 0 <= options.share < 0.5:
        raise InputError(f"--share: found {options.share}, expected 0 to below 0.5")
    folder = require_folder(options.source, "a folder of music")
    named = [split for split in SPLITS if (folder / split).is_dir()]
    if "train" in named:
        splits = {split: read_all(folder / split, options) for split in named}
    else:
        splits = hold_out(read_all(folder, options), options.share)
    write_corpus(options.output, splits)


def read_all(folder: Path, options: Options) -> dict[str, Piece]:
    """Every piece below a folder, by its path. Raises: InputError."""
    pieces = {}
    for path in files_below(folder, (*MIDI, *ABC, *MUSICXML)):
        try:
            piece = read_piece(path)
        except MusicError as error:
            (refuse if options.strict else leave_out)(str(error))
            continue
        pieces[str(path.relative_to(folder).with_suffix(""))] = (
            merge(piece) if options.merge else piece
        )
    if not pieces:
        raise InputError(
            f"{folder}: found no music that can be read, expected MIDI, ABC or MusicXML"
        )
    return pieces


def merge(piece: Piece) -> Piece:
    """All voices as one, with the first one's program."""
    notes = tuple(note for voice in piece.voices for note in voice.notes)
    return tidy(replace(piece, voices=(Voice(notes, piece.voices[0].program),)))


if __name__ == "__main__":
    run(prepare, Options, __doc__)
