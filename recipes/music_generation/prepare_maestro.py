"""Prepare MAESTRO as it is distributed: maestro-v3.0.0.csv (or v1, v2) beside folders by year.

The splits are those of the table. The recordings know no bars: their grid is that of their MIDI
files at 120 quarter notes a minute, which puts a note 21 ms apart from the next at the closest.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.errors import InputError, MusicError
from audio_rnn.midi.files import read_midi
from audio_rnn.midi.piece import Piece
from recipes.music_generation.pieces import write_corpus
from recipes.prepare import Source, leave_out, require_folder, run

NAMES = {"train": "train", "validation": "valid", "test": "test"}


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the data set."""
    output: Path = Path("data/maestro")
    """Folder for the pieces."""


def prepare(options: Options) -> None:
    """Write the performances. Raises: InputError."""
    folder = require_folder(options.source, "the folder of MAESTRO")
    splits: dict[str, dict[str, Piece]] = {split: {} for split in NAMES.values()}
    for split, name in read_table(find_table(folder)):
        try:
            splits[split][name] = read_midi(folder / name)
        except MusicError as error:
            leave_out(str(error))
    write_corpus(options.output, splits)


def find_table(folder: Path) -> Path:
    """The table of performances. Raises: InputError."""
    tables = sorted(folder.glob("maestro-v*.csv"))
    if len(tables) != 1:
        raise InputError(f"{folder}: found {len(tables)} tables maestro-v*.csv, expected one")
    return tables[0]


def read_table(path: Path) -> list[tuple[str, str]]:
    """Split and file of each performance. Raises: InputError naming the line."""
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            split, name = NAMES.get(row.get("split") or ""), row.get("midi_filename")
            if split is None or not name:
                raise InputError(
                    f"{path}:{number}: found split {row.get('split')!r} and file {name!r}, expected "
                    f"one of {', '.join(NAMES)}, and a file"
                )
            rows.append((split, name))
    return rows


if __name__ == "__main__":
    run(prepare, Options, __doc__)
