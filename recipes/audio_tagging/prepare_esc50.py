"""Prepare ESC-50 or ESC-10: clips of 5 s, one sound each, in the official five folds.

SOURCE is the folder of the dataset as distributed (meta/esc50.csv beside audio/), or one with
esc50.csv or esc10.csv beside audio/. ESC-10 is a subset of ten classes. A clip knows the recording
on freesound.org that it was cut from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audio_rnn.errors import InputError
from recipes.audio_tagging.corpus import write_corpus
from recipes.audio_tagging.recordings import Heard, clips, require_files
from recipes.prepare import Source, require_folder, run
from recipes.table import Row, by_path, read_table

TABLES = ("meta/esc50.csv", "esc50.csv", "esc10.csv")
NAME = re.compile(r"(?P<fold>[1-5])-(?P<recording>\d+)-(?P<take>[A-Z])-(?P<target>\d+)\.\w+")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path | None = None
    """Folder for manifest and classes; data/esc10 or data/esc50 unless given."""
    subset: Literal["esc10", "esc50"] = "esc10"
    """Ten classes, 400 clips; or fifty classes, 2000 clips."""


def prepare(options: Options) -> None:
    """Write the manifest. Raises: InputError."""
    table = find_table(options.source)
    rows = choose(table, read_table(table, ("filename", "fold", "category")), options.subset)
    folder = options.source / "audio"
    named = by_path(rows, folder, "filename")
    files = require_files(named, folder, table)
    heard = {name: heard_in(row) for name, row in named.items()}
    output = options.output or Path("data") / options.subset
    found = clips(heard, files, options.source, output)
    write_corpus(output, found, options.source)


def find_table(source: Path) -> Path:
    """The dataset's table. Raises: InputError for another layout."""
    require_folder(source, "the folder of ESC-50, with meta/esc50.csv and audio/")
    for name in TABLES:
        if (source / name).is_file():
            return source / name
    raise InputError(f"{source}: found no {', '.join(TABLES)}; expected one of them beside audio/")


def choose(table: Path, rows: list[Row], subset: str) -> list[Row]:
    """The rows of a subset. Raises: InputError where the table does not hold it."""
    whole = all("esc10" in row.values for row in rows)
    if subset == "esc50" and not whole:
        raise InputError(
            f"{table}: found no column esc10, so this is the subset of ten classes; expected all "
            "of ESC-50, or --subset esc10"
        )
    kept = [r for r in rows if subset == "esc50" or not whole or r.values["esc10"] == "True"]
    if not kept:
        raise InputError(f"{table}: found no row of {subset}, expected True in its column esc10")
    return kept


def heard_in(row: Row) -> Heard:
    """What a row tells of its clip. Raises: InputError where the file's name tells otherwise."""
    name, fold = row.values["filename"], row.values["fold"]
    parts = NAME.fullmatch(name)
    if parts is None or parts["fold"] != fold:
        raise InputError(
            f"{row.where}: found {name!r} in fold {fold}, expected a name like 1-100032-A-0.wav "
            "that begins with its fold; take the dataset's own table"
        )
    return Heard((row.values["category"],), fold=int(fold), recording=parts["recording"])


if __name__ == "__main__":
    run(prepare, Options, __doc__)
