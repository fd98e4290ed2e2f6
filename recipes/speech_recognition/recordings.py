"""Recordings and what is said in them -> utterances of a manifest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from audio_rnn.audio import audio_info, read_blocks
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, InputError

LINK = "source"  # from the folder of the manifests to that of the recordings


Complain = Callable[[str], None]


@dataclass(frozen=True)
class Said:
    """What is known of a recording besides its sound."""

    text: str
    speaker: str | None = None
    split: str | None = None
    where: str | None = None  # file, or file and line, of the text


def refuse(problem: str) -> None:
    """Raises: InputError."""
    raise InputError(problem)


def leave_out(problem: str) -> None:
    """Say on standard error what is left out."""
    print(f"left out: {problem}", file=sys.stderr)


def match(
    transcripts: Collection[str],
    recordings: Collection[str],
    where: Path,
    complain: Complain = refuse,
) -> list[str]:
    """The ids that have both a transcript and a recording, sorted.

    Raises: InputError listing what has only one of the two, unless `complain` does not.
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
        complain(f"{where}: {'; '.join(problems)}; expected one transcript a recording")
    return sorted(set(transcripts) & set(recordings))


def utterances(
    said: Mapping[str, Said],
    recordings: Mapping[str, Path],
    source: Path,
    output: Path,
    complain: Complain = refuse,
) -> list[Utterance]:
    """An utterance for each id of `said`, whose files lie below `source` or `output`.

    Every recording is read to its end. Raises: InputError listing empty texts, or recordings that
    cannot be read, unless `complain` does not: then they are left out.
    """
    told = with_words(said, complain)
    lengths = durations({name: recordings[name] for name in told}, complain)
    return [
        Utterance(
            name,
            seconds,
            audio=inside(recordings[name], source, output),
            text=told[name].text,
            speaker=told[name].speaker,
            split=told[name].split,
        )
        for name, seconds in lengths.items()
    ]


def with_words(said: Mapping[str, Said], complain: Complain) -> dict[str, Said]:
    """What has a text in which something is left when it is normalised."""
    empty = {name for name, what in said.items() if not what.text.strip()}
    if empty:
        places = [said[name].where or name for name in empty]
        complain(
            f"{len(empty)} empty transcripts (punctuation does not count): {listed(places)}; "
            "expected words in each"
        )
    return {name: what for name, what in said.items() if name not in empty}


def durations(recordings: Mapping[str, Path], complain: Complain) -> dict[str, float]:
    """Id -> seconds of those that can be read to their end."""
    found, problems = {}, []
    console = Console(stderr=True)
    files = track(
        recordings.items(),
        "reading recordings",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for name, path in files:
        try:
            found[name] = measure(path)
        except AudioError as error:
            problems.append(str(error))
    if problems:
        listing = "".join(f"\n  {problem}" for problem in problems)
        complain(f"{len(problems)} of {len(recordings)} recordings cannot be used{listing}")
    return found


def measure(path: Path) -> float:
    """Seconds of a recording, all of which is read. Raises AudioError."""
    rate = audio_info(path).sample_rate
    seconds = round(sum(map(len, read_blocks(path, rate))) / rate, 4)
    if not seconds:
        raise AudioError(f"{path}: found less than 0.1 ms of sound, expected more; record it again")
    return seconds


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
