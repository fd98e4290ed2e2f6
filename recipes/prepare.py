"""What prepare scripts share: their command line, links to a corpus, recordings that are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import tyro
from rich.console import Console
from rich.progress import track

from audio_rnn.audio import audio_info, read_blocks
from audio_rnn.cli.shell import run_command
from audio_rnn.errors import AudioError, InputError
from recipes.command import program

LINK = "source"  # from the folder of the manifests to that of the recordings

NONE = tyro.conf.arg(help_behavior_hint="(default: none)")  # of a list that is empty

Source = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
Options = TypeVar("Options")
Found = TypeVar("Found")
Item = TypeVar("Item")
Complain = Callable[[str], None]


def run(
    prepare: Callable[[Options], None], options: type[Options], description: str | None
) -> None:
    """The command line of a prepare script: a user's mistake is one line and exit status 1."""
    run_command(lambda: prepare(tyro.cli(options, prog=program(), description=description)))


def require_folder(folder: Path, expected: str) -> Path:
    """`folder`, if it is one. Raises: InputError saying what was expected there."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise InputError(f"{folder}: found {found}, expected {expected}")
    return folder


def link(output: Path, source: Path) -> None:
    """Make output/source a symbolic link to `source`, replacing the link of an earlier run."""
    place, target = output / LINK, source.resolve()
    if place.exists() and not place.is_symlink():
        raise InputError(
            f"{place}: found a file or folder, expected a free place for the link to {source}; "
            "move it away or choose another --output"
        )
    place.unlink(missing_ok=True)
    place.symlink_to(target, target_is_directory=True)


def refuse(problem: str) -> None:
    """Raises: InputError."""
    raise InputError(problem)


def leave_out(problem: str) -> None:
    """Say on standard error what is left out."""
    print(f"left out: {problem}", file=sys.stderr)


def warn(what: str) -> None:
    """Say on standard error what is doubtful."""
    print(f"warning: {what}", file=sys.stderr)


def durations(recordings: Mapping[str, Path], complain: Complain) -> dict[str, float]:
    """Id -> seconds of those that can be read to their end."""
    return examine(recordings, complain, measure)


def examine(
    recordings: Mapping[str, Path], complain: Complain, listen: Callable[[Path], Found]
) -> dict[str, Found]:
    """Id -> what `listen` finds in the recording, of those in which it raises no AudioError."""
    found, problems = {}, []
    for name, path in progress(recordings.items(), "reading recordings", len(recordings)):
        try:
            found[name] = listen(path)
        except AudioError as error:
            problems.append(str(error))
    if problems:
        listing = "".join(f"\n  {problem}" for problem in problems)
        complain(f"{len(problems)} of {len(recordings)} recordings cannot be used{listing}")
    return found


def progress(items: Iterable[Item], doing: str, count: int) -> Iterable[Item]:
    """The same items, with a bar on standard error when that is a terminal."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return track(items, doing, count, console=console, transient=True, disable=hidden)


def measure(path: Path) -> float:
    """Seconds of a recording, all of which is read. Raises AudioError."""
    rate = audio_info(path).sample_rate
    return require_sound(path, sum(map(len, read_blocks(path, rate))) / rate)


def require_sound(path: Path, seconds: float) -> float:
    """Seconds of a recording as manifests have them. Raises AudioError for next to none."""
    if not round(seconds, 4):
        raise AudioError(f"{path}: found less than 0.1 ms of sound, expected more; record it again")
    return round(seconds, 4)


def inside(path: Path, source: Path, output: Path) -> str:
    """How a manifest in `output` names a file of `source`: through the link, if it lies elsewhere.

    Raises: InputError for a file outside both.
    """
    if is_below(path, output):
        return path.resolve().relative_to(output.resolve()).as_posix()
    path, source = path.absolute(), source.absolute()
    if not path.is_relative_to(source) or ".." in path.relative_to(source).parts:
        raise InputError(f"{path}: lies outside {source}; expected a file below that folder")
    return f"{LINK}/{path.relative_to(source).as_posix()}"


def is_below(path: Path, folder: Path) -> bool:
    """Whether a path ends inside a folder once its links are followed."""
    return path.resolve().is_relative_to(folder.resolve())


def listed(names: Collection[str], most: int = 10) -> str:
    """Names, sorted, at most ten of them."""
    rest = len(names) - most
    return ", ".join(sorted(names)[:most]) + (f" and {rest} more" if rest > 0 else "")
