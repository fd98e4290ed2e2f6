"""Prepare the Nottingham tunes as event symbols.

SOURCE is a clone of github.com/jukedeck/nottingham-dataset, with MIDI (melody and chords that last)
and ABC_cleaned (chords as abc2midi plays them). That collection has no splits: here 80 % of the
tunes train, 10 % validate and 10 % test, by the hashes of their names. A tune that mostly says the
melody of an earlier one is left out, as is one that cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audio_rnn.errors import MusicError
from audio_rnn.midi.abc_tunes import parse_tunes, read_tunes
from audio_rnn.midi.files import read_midi
from audio_rnn.midi.piece import Piece
from recipes.music_generation.pieces import hold_out, write_corpus
from recipes.prepare import Source, leave_out, require_folder, run

SHARE = 0.1  # of the tunes, for validation and for test


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the data set."""
    output: Path = Path("data/nottingham")
    """Folder for the pieces."""
    notation: Literal["midi", "abc"] = "midi"
    """Which of its two forms to read."""


def prepare(options: Options) -> None:
    """Write the tunes. Raises: InputError."""
    inside = "MIDI" if options.notation == "midi" else "ABC_cleaned"
    folder = require_folder(options.source / inside, "the tunes of the Nottingham data set")
    failures: dict[str, MusicError] = {}
    pieces = (read_all_midi if options.notation == "midi" else read_all_abc)(folder, failures)
    for error in failures.values():
        leave_out(str(error))
    write_corpus(options.output, hold_out(pieces, SHARE))


def read_all_midi(folder: Path, failures: dict[str, MusicError]) -> dict[str, Piece]:
    """Every MIDI file of a folder by its name."""
    pieces = {}
    for path in sorted(folder.glob("*.mid")):
        try:
            pieces[path.stem] = read_midi(path)
        except MusicError as error:
            failures[path.stem] = error
    return pieces


def read_all_abc(folder: Path, failures: dict[str, MusicError]) -> dict[str, Piece]:
    """Every tune of the ABC files of a folder, by the file and the tune's place in it."""
    pieces: dict[str, Piece] = {}
    for path in sorted(folder.glob("*.abc")):
        tunes = {f"{path.stem}{n}": tune for n, tune in enumerate(read_tunes(path), 1)}
        pieces |= parse_tunes(tunes, failures)
    return pieces


if __name__ == "__main__":
    run(prepare, Options, __doc__)
