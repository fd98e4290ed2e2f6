"""Tables of recordings, CSV or TSV with a header; every error names file and line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.errors import InputError, reason

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

    def name(self, root: Path, column: str = "path") -> str:
        """The path in a column, relative to `root`, a folder. Raises: InputError for one outside."""
        path = root.absolute() / self.values[column]
        # As written first: a link inside the folder may lead out of it.
        for whole, folder in ((path, root.absolute()), (path.resolve(), root.resolve())):
            if whole.is_relative_to(folder):
                name = whole.relative_to(folder)
                if ".." not in name.parts:
                    return name.as_posix()
        raise InputError(
            f"{self.where}: {column} {self.values[column]!r} leaves {root}, the folder of the table; "
            "move the table to a folder above the recordings, and make paths relative to it"
        )


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
            f"{path}: cannot be read as a table: {reason(error)}; save it as CSV in UTF-8"
        ) from error
    header = [name.strip().lower() for name in lines[0][1]] if lines else []
    if any(header.count(column) != 1 for column in columns):
        raise InputError(
            f"{path}:1: found the columns {', '.join(header) or 'none'}; expected a header "
            f"with {', '.join(columns)}, each once"
        )
    return [_row(f"{path}:{number}", header, fields) for number, fields in lines[1:]]


def by_path(rows: Sequence[Row], root: Path, column: str = "path") -> dict[str, Row]:
    """Path in a column, relative to `root` -> row. Raises: InputError for one that stands twice."""
    named: dict[str, Row] = {}
    for row in rows:
        name = row.name(root, column)
        if name in named:
            raise InputError(
                f"{row.where}: {column} {name!r} stands already in {named[name].where}"
            )
        named[name] = row
    return named


def _row(where: str, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        raise InputError(
            f"{where}: found {len(fields)} fields, expected {len(header)} as in line 1"
        )
    return Row(where, {name: field.strip() for name, field in zip(header, fields)})
