"""What prepare scripts share: check, link the source, write the manifests, show a table."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import soundfile
import tyro
from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.errors import InputError
from audio_rnn.vocabulary import Vocabulary

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".sph"}
SPLITS = ("train", "valid", "test")
LINK = "source"

Source = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
Options = TypeVar("Options")


def run(
    prepare: Callable[[Options], None], options: type[Options], description: str | None
) -> None:
    """The command line of a prepare script: a user's mistake is one line and exit status 1."""
    name = Path(sys.argv[0]).name
    run_command(lambda: prepare(tyro.cli(options, prog=name, description=description)))


def require_folder(folder: Path, expected: str) -> Path:
    """`folder`, if it is one. Raises: InputError saying what was expected there."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise InputError(f"{folder}: found {found}, expected {expected}")
    return folder


def write_corpus(
    output: Path, splits: Mapping[str, Sequence[Utterance]], source: Path | None = None
) -> None:
    """Write {split}.jsonl and vocabulary.txt below `output`, link `source`, and show a table.

    The vocabulary is that of the training and validation texts. A split that is empty has no
    manifest (an older one is removed).

    Raises: InputError for empty transcripts, a repeated id or no training utterance.
    """
    _check(splits)
    output.mkdir(parents=True, exist_ok=True)
    if source is not None and not _is_below(source, output):
        link(output, source)
    for split in SPLITS:
        if splits.get(split):
            write_manifest(output / f"{split}.jsonl", splits[split])
        else:
            (output / f"{split}.jsonl").unlink(missing_ok=True)
    seen = [u.text or "" for split in ("train", "valid") for u in splits.get(split, ())]
    Vocabulary.from_texts(seen).save(output / "vocabulary.txt")
    _show(output, splits)


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


def inside(path: Path, source: Path, output: Path) -> str:
    """How a manifest in `output` names a file of `source`: through the link, if it lies elsewhere.

    Raises: InputError for a file outside both.
    """
    if _is_below(path, output):
        return path.resolve().relative_to(output.resolve()).as_posix()
    path, source = path.absolute(), source.absolute()
    if not path.is_relative_to(source) or ".." in path.relative_to(source).parts:
        raise InputError(f"{path}: lies outside {source}; expected a file below that folder")
    return f"{LINK}/{path.relative_to(source).as_posix()}"


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


def listed(names: Collection[str], most: int = 10) -> str:
    """Names, sorted, at most ten of them."""
    rest = len(names) - most
    return ", ".join(sorted(names)[:most]) + (f" and {rest} more" if rest > 0 else "")


def durations(recordings: Mapping[str, Path], skip: bool = False) -> dict[str, float]:
    """Id -> seconds, from the headers of the audio files.

    Raises: InputError listing the files that are no sound; `skip` lists them on stderr instead.
    """
    found, problems = {}, []
    for name, path in recordings.items():
        try:
            info = soundfile.info(path)
        except (soundfile.SoundFileError, OSError):
            problems.append(str(path))
            continue
        if info.frames > 0:
            found[name] = round(info.frames / info.samplerate, 4)
        else:
            problems.append(str(path))
    if problems:
        _refuse(f"{len(problems)} files that hold no readable sound: {listed(problems)}", skip)
    return found


def hold_out(
    utterances: Sequence[Utterance], share: float
) -> tuple[list[Utterance], list[Utterance]]:
    """(kept, held out): whole speakers, or utterances where no speaker is known.

    Deterministic: in the order of their hashes, at least one, until `share` of all is held out.

    Raises: InputError when there is nothing to choose from.
    """
    if share == 0:
        return list(utterances), []
    groups = Counter(_group(u) for u in utterances)
    if len(groups) < 2:
        raise InputError(
            f"found {len(groups)} speaker or utterance, expected at least 2 to hold some out; "
            "give the splits yourself, or a share of 0"
        )
    wanted, held = share * len(utterances), set[str]()
    count = 0
    for group in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if held and count + groups[group] / 2 > wanted:
            break
        held.add(group)
        count += groups[group]
    kept = [u for u in utterances if _group(u) not in held]
    return kept, [u for u in utterances if _group(u) in held]


def _refuse(problem: str, skip: bool) -> None:
    if not skip:
        raise InputError(problem)
    print(f"left out: {problem}", file=sys.stderr)


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _group(utterance: Utterance) -> str:
    return utterance.speaker or utterance.id


def _check(splits: Mapping[str, Sequence[Utterance]]) -> None:
    if not splits.get("train"):
        raise InputError("found no utterance to train on, expected some in the split 'train'")
    everything = [u for split in SPLITS for u in splits.get(split, ())]
    empty = [u.id for u in everything if not (u.text or "").strip()]
    if empty:
        raise InputError(f"{len(empty)} empty transcripts: {listed(empty)}; expected words in each")
    twice = [name for name, count in Counter(u.id for u in everything).items() if count > 1]
    if twice:
        raise InputError(f"{len(twice)} ids stand more than once: {listed(twice)}")


def _show(output: Path, splits: Mapping[str, Sequence[Utterance]]) -> None:
    table = Table()
    table.add_column("split")
    for heading in ("utterances", "hours", "words", "speakers"):
        table.add_column(heading, justify="right")
    for split in SPLITS:
        part = splits.get(split, ())
        hours = sum(u.duration for u in part) / 3600
        words = sum(len((u.text or "").split()) for u in part)
        speakers = len({u.speaker for u in part if u.speaker})
        table.add_row(split, str(len(part)), f"{hours:.3f}", str(words), str(speakers or "-"))
    console = Console()
    console.print(str(output), soft_wrap=True, highlight=False)
    console.print(table)
