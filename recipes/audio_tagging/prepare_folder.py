"""Prepare your own sounds: a folder of folders, or a table of what is heard in which file.

A folder has a folder a class, with its clips; or train, valid and test, with such folders in each.
A .csv or .tsv table has the columns path (or filename) and tags (several are separated by ;), or
path, onset, offset and label with a row an event, in seconds; a file in which nothing is heard has
an empty tag or label. More columns, if known: split (train, valid, test) or fold (1, 2 ...), and
recording, what a clip was cut from. Paths are relative to the table. Every file is read to its end,
so that none stops the training later. Without given splits, the shares are held out of each class;
clips of one recording, or with the very same sound, stay together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.annotations import clean, read_annotations
from recipes.audio_tagging.corpus import write_corpus
from recipes.audio_tagging.recordings import Heard, clips, require_files
from recipes.audio_tagging.splits import divide
from recipes.prepare import Source, is_below, leave_out, listed, require_folder, run
from recipes.table import SPLIT_NAMES

TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder with a folder a class, or a .csv or .tsv table."""
    output: Path = Path("data/sounds_folder")
    """Folder for manifests and classes."""
    valid_share: float = 0.15
    """Share of each class held out for validation, where no splits are given."""
    test_share: float = 0.15
    """Share of each class held out for testing, where no splits are given."""
    negatives: str | None = None
    """Name of the folder whose clips are examples of none of the classes, such as background."""
    skip_broken: bool = False
    """Leave out, and list, files that cannot be read."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    source = options.source
    if source.is_file():
        root, heard, classes = source.parent, _read_table(options), set[str]()
        files = require_files(heard, root, source, "correct the table")
    else:
        root = require_folder(source, "a folder with a folder a class, or a .csv or .tsv table")
        _check_output(source, options.output)
        found = dict(find_clips(options))
        heard, classes = found, {tag for what in found.values() for tag in what.tags or ()}
        files = {name: source / name for name in heard}
    made = clips(heard, files, root, options.output, leave_out if options.skip_broken else _offer)
    if not any(clip.split or clip.fold for clip in made):
        made = divide(made, options.valid_share, options.test_share)
    write_corpus(options.output, made, root, classes)


def find_clips(options: Options) -> Iterator[tuple[str, Heard]]:
    """Path relative to the source -> class and split of every clip. Raises: InputError."""
    source = options.source
    tops = list(_folders(source, options.output))
    given = {top: SPLIT_NAMES.get(top.name) for top in tops}
    if tops and all(given.values()) and any(_folders(top, options.output) for top in tops):
        for top, split in given.items():
            yield from _labelled(options, top, split)
    else:
        yield from _labelled(options, source, None)


def _labelled(options: Options, parent: Path, split: str | None) -> Iterator[tuple[str, Heard]]:
    """The clips of the folders in `parent`, each a class."""
    folders = list(_folders(parent, options.output))
    _check_loose(parent, folders)
    for folder in folders:
        label = clean(folder.name)
        files = files_below(folder, EXTENSIONS)
        if not files:
            raise InputError(
                f"{folder}: found no audio file, expected clips of the class {label!r} "
                f"({' '.join(EXTENSIONS)}); add some or remove the folder"
            )
        tags = () if folder.name == options.negatives else (label,)
        for path in files:
            yield path.relative_to(options.source).as_posix(), Heard(tags, split=split)


def _folders(parent: Path, output: Path) -> Iterator[Path]:
    """Folders in a folder, sorted; neither hidden ones nor what earlier calls have written."""
    for path in sorted(parent.iterdir()):
        own = path.resolve() == output.resolve() or (path / "classes.txt").exists()
        if path.is_dir() and not path.name.startswith(".") and not own:
            yield path


def _check_output(source: Path, output: Path) -> None:
    """What is written into the folder of a class would become a part of it."""
    inside = is_below(output, source) and source.resolve() != output.resolve()
    if inside and output.resolve().parent != source.resolve():
        raise InputError(
            f"--output {output}: lies inside a folder of {source}; expected a place of its own"
        )


def _check_loose(parent: Path, folders: Iterable[Path]) -> None:
    loose = [path.name for path in parent.iterdir() if path.suffix.lower() in EXTENSIONS]
    if loose or not list(folders):
        found = f"the files {listed(loose)}" if loose else "no folder"
        raise InputError(
            f"{parent}: found {found}; expected a folder a class with its clips, or name a table"
        )


def _read_table(options: Options) -> dict[str, Heard]:
    source = options.source
    if source.suffix.lower() not in TABLES:
        raise InputError(
            f"{source}: found a file of another kind, expected a .csv or .tsv table, or the folder "
            "of the sounds"
        )
    if options.negatives:
        raise InputError("--negatives is for a folder; in a table, leave the tags empty")
    heard = read_annotations(source, source.parent)
    if any(h.fold for h in heard.values()) and any(h.split for h in heard.values()):
        raise InputError(f"{source}:1: found the columns split and fold, expected one of them")
    return heard


def _offer(problem: str) -> None:
    """Raises: InputError."""
    first, *more = problem.split("\n")
    raise InputError("\n".join([f"{first}; --skip-broken leaves these out", *more]))


if __name__ == "__main__":
    run(prepare, Options, __doc__)
