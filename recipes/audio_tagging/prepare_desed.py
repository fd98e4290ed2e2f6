"""Prepare DESED, or another corpus of its layout: sounds of homes, some with their times.

SOURCE is the dataset's folder, with tables in metadata/ and recordings in audio/, where
metadata/train/weak.tsv tells of audio/train/weak/. A table has the columns filename, onset, offset
and event_label, or filename and event_labels (tags, with commas between). The first folder tells
the split: train, validation, and eval or test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.annotations import read_annotations
from recipes.audio_tagging.corpus import write_corpus
from recipes.audio_tagging.recordings import Heard, clips, require_files
from recipes.prepare import NONE, Source, leave_out, listed, require_folder, run
from recipes.table import read_table

SPLITS_OF_FOLDERS = {"train": "train", "validation": "valid", "eval": "test", "test": "test"}


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path = Path("data/desed")
    """Folder for manifests and classes."""
    tables: Annotated[tuple[str, ...], NONE] = ()
    """Tables below metadata/ to use, such as train/weak.tsv; all that tell what is heard unless
    given."""
    skip_missing: bool = False
    """Leave out recordings that are not there: some were taken down since the tables were made."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    source = require_folder(options.source, "the folder of DESED, with metadata/ and audio/")
    heard: dict[str, Heard] = {}
    files: dict[str, Path] = {}
    for table in find_tables(source, options.tables):
        folder = audio_folder(source, table)
        told = read_annotations(table, folder, separator=",")
        found = _present(told, folder, table, options.skip_missing)
        split, place = split_of(source, table), folder.relative_to(source).as_posix()
        for name, path in found.items():
            heard[f"{place}/{name}"] = _heard(told[name], split, f"{place}/{name}", heard, table)
            files[f"{place}/{name}"] = path
    write_corpus(options.output, clips(heard, files, source, options.output), source)


def find_tables(source: Path, names: Sequence[str]) -> list[Path]:
    """The tables to use. Raises: InputError for none."""
    folder = require_folder(source / "metadata", "the tables of DESED")
    if names:
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(f"--tables: found no {listed(missing)} in {folder}, expected files")
        return [folder / name for name in names]
    found = files_below(folder, {".tsv"})
    told = [
        path for path in found if any(_has_labels(row.values) for row in read_table(path, ())[:1])
    ]
    if other := set(found) - set(told):
        leave_out(f"{len(other)} tables without labels: {listed([str(path) for path in other])}")
    if not told:
        raise InputError(f"{folder}: found no table with labels, expected some like train/weak.tsv")
    return told


def audio_folder(source: Path, table: Path) -> Path:
    """Where the recordings of a table lie. Raises: InputError."""
    place = source / "audio" / table.relative_to(source / "metadata").with_suffix("")
    for folder in (place, place.parent):
        if folder.is_dir():
            return folder
    raise InputError(
        f"{table}: found no {place}, expected the recordings there; leave the table out"
    )


def split_of(source: Path, table: Path) -> str:
    """The split that the first folder of a table names. Raises: InputError."""
    first = table.relative_to(source / "metadata").parts[0].removesuffix(".tsv")
    if first not in SPLITS_OF_FOLDERS:
        raise InputError(
            f"{table}: found the folder {first!r}, expected one of {', '.join(SPLITS_OF_FOLDERS)}"
        )
    return SPLITS_OF_FOLDERS[first]


def _has_labels(values: dict[str, str]) -> bool:
    return "event_label" in values or "event_labels" in values


def _present(
    told: dict[str, Heard], folder: Path, table: Path, skip_missing: bool
) -> dict[str, Path]:
    """The files of a table that are there: all, or else it is an error."""
    missing = [name for name in told if not (folder / name).is_file()]
    if missing and skip_missing:
        leave_out(f"{len(missing)} of the {len(told)} recordings of {table}: {listed(missing)}")
        return {name: folder / name for name in told if name not in set(missing)}
    return require_files(told, folder, table, "--skip-missing leaves them out")


def _heard(what: Heard, split: str, name: str, known: dict[str, Heard], table: Path) -> Heard:
    """What is heard, with its split; once for each file. Raises: InputError."""
    if name in known:
        raise InputError(
            f"{table}: {name!r} stands in another table, too; name those to use (--tables)"
        )
    return replace(what, split=split, recording=name)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
