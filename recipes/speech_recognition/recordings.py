"""Recordings and what is said in them -> utterances of a manifest."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from audio_rnn.audio import audio_info
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, InputError

LINK = "source"  # from the folder of the manifests to that of the recordings


@dataclass(frozen=True)
class Said:
    """What is known of a recording besides its sound."""

    text: str
    speaker: str | None = None
    split: str | None = None


def match(
    transcripts: Collection[str], recordings: Collection[str], where: Path, skip: bool = False
) -> list[str]:
    """The ids that have both a transcript and a recording, sorted.

    Raises: InputError listing what has only one of the two; `skip` lists it on stderr instead.
    """
    silent, untold = set(transcripts) - set(recordings), set(recordings) - set(transcripts)
    problems = [
        f"{len(ids)} {what}: {listed(ids)}"
        for ids, what in (
            (silent, "transcripts without audio"),
            (untold, "audio without transcript"),
        )
        if ids
    ]
    if problems:
        _refuse(f"{where}: {'; '.join(problems)}; expected one transcript a recording", skip)
    return sorted(set(transcripts) & set(recordings))


def utterances(
    said: Mapping[str, Said],
    recordings: Mapping[str, Path],
    source: Path,
    output: Path,
    skip: bool = False,
) -> list[Utterance]:
    """An utterance for each id of `said`, whose files lie below `source` or `output`.

    Raises: InputError listing the files that are no sound; `skip` lists them on stderr and leaves
    them out instead.
    """
    lengths = durations({name: recordings[name] for name in said}, skip)
    return [
        Utterance(
            name,
            seconds,
            audio=inside(recordings[name], source, output),
            text=said[name].text,
            speaker=said[name].speaker,
            split=said[name].split,
        )
        for name, seconds in lengths.items()
    ]


def durations(recordings: Mapping[str, Path], skip: bool = False) -> dict[str, float]:
    """Id -> seconds, from the headers of the audio files. Raises: as `utterances`."""
    found, problems = {}, []
    console = Console(stderr=True)
    files = track(
        recordings.items(),
        "reading lengths",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for name, path in files:
        try:
            found[name] = round(audio_info(path).duration, 4)
        except AudioError:
            problems.append(str(path))
    if problems:
        _refuse(f"{len(problems)} files that hold no readable sound: {listed(problems)}", skip)
    return found


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


def _refuse(problem: str, skip: bool) -> None:
    if not skip:
        raise InputError(problem)
    print(f"left out: {problem}", file=sys.stderr)
