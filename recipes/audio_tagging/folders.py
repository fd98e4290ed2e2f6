"""A user's folder of sounds -> what is heard in each file: by its folder, or by the labels beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.annotations import clean, warn_of_overlaps
from recipes.audio_tagging.label_tracks import labels_beside, read_labels, tells_times
from recipes.audio_tagging.recordings import Heard
from recipes.prepare import listed
from recipes.table import SPLIT_NAMES


def find_clips(source: Path, output: Path, negatives: str | None) -> dict[str, Heard]:
    """Path relative to the source -> what is heard in it, and its split.

    A folder names the class of its clips, but for `negatives`; recordings that lie in none, or in a
    folder without clips, have label tracks beside them. train, valid and test may hold such.

    Raises: InputError.
    """
    tops = list(_folders(source, output))
    splits = {top: SPLIT_NAMES.get(top.name) for top in tops}
    if not (tops and all(splits.values()) and any(_filled(top, output) for top in tops)):
        splits = {source: None}
    elif loose := _loose(source):
        raise InputError(
            f"{source}: found {listed([path.name for path in loose])} beside the folders "
            f"{listed([top.name for top in tops])}, expected recordings in these alone; move them"
        )
    _check_negatives(source, [f.name for top in splits for f in _folders(top, output)], negatives)
    found = {
        path.relative_to(source).as_posix(): heard
        for parent, split in splits.items()
        for path, heard in _heard(parent, output, split, negatives)
    }
    warn_of_overlaps(heard.events or {} for heard in found.values())
    return found


def _heard(
    parent: Path, output: Path, split: str | None, negatives: str | None
) -> Iterator[tuple[Path, Heard]]:
    """The recordings in `parent`, and the clips of the folders in it, each a class."""
    loose, folders = _loose(parent), list(_folders(parent, output))
    _check_loose(parent, loose, folders)
    for path, track in loose.items():
        yield path, Heard(events=read_labels(track) if track else {}, split=split)
    for folder in folders:
        label = clean(folder.name)
        files = files_below(folder, EXTENSIONS)
        if not files:
            raise InputError(
                f"{folder}: found no audio file, expected clips of the class {label!r} "
                f"({' '.join(EXTENSIONS)}); add some or remove the folder"
            )
        if any(tells_times(track) for track in map(labels_beside, files) if track):
            yield from _labelled(folder, files, split)
            continue
        tags = () if folder.name == negatives else (label,)
        yield from ((path, Heard(tags, split=split)) for path in files)


def _labelled(folder: Path, files: list[Path], split: str | None) -> Iterator[tuple[Path, Heard]]:
    """Recordings with label tracks beside them, in a folder that is no class."""
    tracks = {path: labels_beside(path) for path in files}
    without = [path.name for path, track in tracks.items() if not track]
    for path, track in tracks.items():
        if not track:
            raise InputError(
                f"{folder}: found label tracks beside some recordings and none beside {listed(without)}; "
                "expected them beside all (empty where nothing is heard), or, where the folder is a "
                "class, beside none"
            )
        yield path, Heard(events=read_labels(track), split=split)


def _folders(parent: Path, output: Path) -> Iterator[Path]:
    """Folders in a folder, sorted; neither hidden ones nor what earlier calls have written."""
    for path in sorted(parent.iterdir()):
        own = path.resolve() == output.resolve() or (path / "classes.txt").exists()
        if path.is_dir() and not path.name.startswith(".") and not own:
            yield path


def _filled(parent: Path, output: Path) -> bool:
    """Whether a folder is a split rather than a class: what it holds is sorted further."""
    return any(_loose(parent).values()) or any(_folders(parent, output))


def _loose(parent: Path) -> dict[Path, Path | None]:
    """Recordings in a folder itself, each with its label track, if it has one."""
    files = (p for p in sorted(parent.iterdir()) if p.suffix.lower() in EXTENSIONS)
    return {p: labels_beside(p) for p in files if p.is_file() and not p.name.startswith(".")}


def _check_loose(parent: Path, loose: dict[Path, Path | None], folders: list[Path]) -> None:
    without = [path.name for path, track in loose.items() if not track]
    if without or not (loose or folders):
        found = f"the files {listed(without)}" if without else "no folder"
        raise InputError(
            f"{parent}: found {found}; expected a folder a class with its clips, or beside each "
            "recording the labels that Audacity exports (a.txt for a.wav; empty where nothing is "
            "heard), or name a table"
        )


def _check_negatives(source: Path, names: list[str], negatives: str | None) -> None:
    if negatives is not None and negatives not in names:
        raise InputError(
            f"--negatives {negatives}: found the folders {listed(names) or 'none'} in {source}, "
            "expected one of them"
        )
