"""Tables of recordings and what is said in them -> utterances of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.data.manifest import Utterance
from recipes.prepare import Complain, listed, refuse
from recipes.speech_recognition.recordings import Said, match, utterances
from recipes.table import Row, by_path, read_table


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
    rows = by_path(_with_path(read_table(table, ("path", "text")), complain), root)
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


def _with_path(rows: Sequence[Row], complain: Complain) -> list[Row]:
    empty = [row.where for row in rows if not row.values["path"]]
    if empty:
        complain(f"{len(empty)} rows without a path: {listed(empty)}; expected an audio file")
    return [row for row in rows if row.values["path"]]


def _recordings(names: Iterable[str], root: Path) -> dict[str, Path]:
    """The files that are named, and the other audio files in their folders."""
    named = {name: root / name for name in names}
    folders = {path.parent for path in named.values() if path.parent.is_dir()}
    beside = (path for folder in sorted(folders) for path in folder.iterdir())
    audio = [path for path in beside if path.suffix.lower() in EXTENSIONS]
    found = {path.relative_to(root).as_posix(): path for path in audio}
    return found | {name: path for name, path in named.items() if path.is_file()}
