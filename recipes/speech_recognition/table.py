"""Tables of recordings, CSV or TSV with a header; every error names file and line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from recipes.prepare import Complain, listed, refuse
from recipes.speech_recognition.recordings import Said, match, utterances

SPLIT_NAMES = {"train": "train", "valid": "valid", "dev": "valid", "test": "test"}
DELIMITERS = ",;\t"  # of a .csv: where a comma is part of numbers, spreadsheets write semicolons


@dataclass(frozen=True)
class Row:
    """One line of a table; `where` is "FILE:LINE" for errors."""

    where: str
    values: dict[str, str]

    def split(self) -> str | None:
        """train, valid or test ("dev" is valid), None without that column. Raises: InputError."""
        found = self.values.get("split")
        if found is not None and found not in SPLIT_NAMES:
            raise InputError(f"{self.where}: split: found {found!r}, expected train, valid or test")
        return SPLIT_NAMES[found] if found is not None else None

    def name(self, root: Path) -> str:
        """The column `path` relative to `root`, the table's folder. Raises: InputError outside."""
        path = root.absolute() / self.values["path"]
        # As written first: a link inside the folder may lead out of it.
        for whole, folder in ((path, root.absolute()), (path.resolve(), root.resolve())):
            if whole.is_relative_to(folder):
                name = whole.relative_to(folder)
                if ".." not in name.parts:
                    return name.as_posix()
        raise InputError(
            f"{self.where}: path {self.values['path']!r} leaves {root}, the folder of the table; "
            "move the table to a folder above the recordings, and make paths relative to it"
        )


def read_utterances(
    table: Path,
    output: Path,
    normalise: Callable[[str], str],
    speaker: str | None = None,
    complain: Complain = refuse,
) -> list[Utterance]:
    """The utterances of a table with the columns path and text, and maybe split and speaker.

    `speaker` is the one of a table without that column. Raises: InputError; of what lacks its
    transcript or its audio `complain` hears first, and if it does not raise, that is left out.
    """
    root = table.parent
    rows = _by_name(_with_path(read_table(table, ("path", "text")), complain), root)
    recordings = _recordings(rows, root)
    said = {
        name: Said(
            normalise(rows[name].values["text"]),
            rows[name].values.get("speaker", speaker) or None,
            rows[name].split(),
            rows[name].where,
        )
        for name in match(rows, recordings, table, complain)
    }
    found = utterances(said, recordings, root, output, complain)
    return [replace(u, id=u.id.rpartition(".")[0] or u.id) for u in found]


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a .csv (quotes; commas, semicolons or tabs) or .tsv (tabs, no quotes), in UTF-8.

    The names of columns are in any case. Raises: InputError for a missing column of `columns`, or a
    line with too few or many fields.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".tsv":
                reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            else:
                delimiter = max(DELIMITERS, key=file.readline().count)
                file.seek(0)
                reader = csv.reader(file, delimiter=delimiter, strict=True)
            lines = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a table: {error}; save it as CSV in UTF-8"
        ) from error
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    if any(header.count(column) != 1 for column in columns):
        raise InputError(
            f"{path}:1: found the columns {', '.join(header) or 'none'}; expected a header "
            f"with {', '.join(columns)}, each once"
        )
    return [_row(f"{path}:{number}", header, fields) for number, fields in lines[1:]]


def _with_path(rows: Sequence[Row], complain: Complain) -> list[Row]:
    empty = [row.where for row in rows if not row.values["path"]]
    if empty:
        complain(f"{len(empty)} rows without a path: {listed(empty)}; expected an audio file")
    return [row for row in rows if row.values["path"]]


def _row(where: str, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        raise InputError(
            f"{where}: found {len(fields)} fields, expected {len(header)} as in line 1"
        )
    return Row(where, {name: field.strip() for name, field in zip(header, fields)})


def _by_name(rows: Sequence[Row], root: Path) -> dict[str, Row]:
    named: dict[str, Row] = {}
    for row in rows:
        name = row.name(root)
        if name in named:
            raise InputError(f"{row.where}: path {name!r} stands already in {named[name].where}")
        named[name] = row
    return named


def _recordings(names: Iterable[str], root: Path) -> dict[str, Path]:
    """The files that are named, and the other audio files in their folders."""
    named = {name: root / name for name in names}
    folders = {path.parent for path in named.values() if path.parent.is_dir()}
    beside = (path for folder in sorted(folders) for path in folder.iterdir())
    audio = [path for path in beside if path.suffix.lower() in EXTENSIONS]
    found = {path.relative_to(root).as_posix(): path for path in audio}
    return found | {name: path for name, path in named.items() if path.is_file()}
