"""Prepare UrbanSound8K: clips of up to 4 s, one of ten sounds of a city, in the official ten folds.

SOURCE is the folder of the dataset, with metadata/UrbanSound8K.csv and audio/fold1 to fold10. A
clip knows the recording on freesound.org that it was cut from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audio_rnn.errors import InputError
from recipes.audio_tagging.corpus import write_corpus
from recipes.audio_tagging.recordings import Heard, clips, require_files
from recipes.prepare import Source, require_folder, run
from recipes.table import Row, by_path, read_table

TABLE = "metadata/UrbanSound8K.csv"
FOLDS = tuple(str(fold) for fold in range(1, 11))
COLUMNS = ("slice_file_name", "fsid", "fold", "class")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path = Path("data/urbansound8k")
    """Folder for manifest and classes."""


def prepare(options: Options) -> None:
    """Write the manifest. Raises: InputError."""
    require_folder(options.source, f"the folder of UrbanSound8K, with {TABLE} and audio/")
    table, folder = options.source / TABLE, options.source / "audio"
    rows = [_with_path(row) for row in read_table(table, COLUMNS)]
    named = by_path(rows, folder)
    files = require_files(named, folder, table)
    heard = {
        name: Heard((values["class"],), fold=int(values["fold"]), recording=values["fsid"])
        for name, values in ((name, row.values) for name, row in named.items())
    }
    write_corpus(
        options.output, clips(heard, files, options.source, options.output), options.source
    )


def _with_path(row: Row) -> Row:
    """The row with the path of its file. Raises: InputError for a fold that there is not."""
    fold = row.values["fold"]
    if fold not in FOLDS:
        raise InputError(f"{row.where}: fold: found {fold!r}, expected 1 to {len(FOLDS)}")
    return replace(
        row, values={**row.values, "path": f"fold{fold}/{row.values['slice_file_name']}"}
    )


if __name__ == "__main__":
    run(prepare, Options, __doc__)
