"""Tables of recordings, CSV or TSV with a header; every error names file and line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from recipes.speech_recognition.recordings import Said, match, utterances

SPLIT_NAMES = {"train": "train", "valid": "valid", "dev": "valid", "test": "test"}


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
        """The column `path` relative to `root`, which it cannot leave. Raises: InputError."""
        path = root / self.values["path"]
        if not path.is_relative_to(root) or ".." in path.relative_to(root).parts:
            raise InputError(
                f"{self.where}: path {self.values['path']!r} leaves {root}; expected one inside it"
            )
        return path.relative_to(root).as_posix()


def read_utterances(
    table: Path,
    output: Path,
    normalise: Callable[[str], str],
    speaker: str | None = None,
    skip: bool = False,
) -> list[Utterance]:
    """The utterances of a table with the columns path and text, and maybe split and speaker.

    `speaker` is the one of a table without that column; `skip` leaves out what has no transcript
    or no audio instead of refusing it. Raises: InputError.
    """
    root = table.parent
    rows = _by_name(read_table(table, ("path", "text")), root)
    recordings = _recordings(rows, root)
    said = {
        name: Said(
            normalise(rows[name].values["text"]),
            rows[name].values.get("speaker", speaker) or None,
            rows[name].split(),
        )
        for name in match(rows, recordings, table, skip)
    }
    found = utterances(said, recordings, root, output, skip)
    return [replace(u, id=u.id.rpartition(".")[0] or u.id) for u in found]


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a .csv (commas, quotes) or .tsv (tabs, no quotes), in UTF-8.

    Raises: InputError for a missing column of `columns`, or a line with too few or many fields.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".tsv":
                reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            else:
                reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table: {error}") from error
    header = lines[0][1] if lines else []
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(
            f"{path}:1: found the columns {', '.join(header) or 'none'}; expected a header "
            f"with {', '.join(columns)}"
        )
    return [_row(f"{path}:{number}", header, fields) for number, fields in lines[1:]]


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
