"""Prepare your own recordings: audio files with a .txt beside each, or one table.

SOURCE is a folder (searched with its subfolders), or a .csv or .tsv file with the columns path
and text, and split (train, valid, test) or speaker if known; paths are relative to the table.
Every recording is read to its end, so that none stops the training later. Without given splits, whole speakers are held out; without speakers, single utterances.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audio_rnn.audio import EXTENSIONS
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError, reason
from audio_rnn.files import files_below
from recipes.prepare import Complain, Source, leave_out, require_folder, run
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.recordings import Said, match, utterances
from recipes.speech_recognition.splits import by_split, hold_out
from recipes.speech_recognition.table import read_utterances
from recipes.speech_recognition.text import normalise, plain

NORMALISERS: dict[str, Callable[[str], str]] = {
    "plain": plain,
    "english": normalise,
    "keep": lambda text: " ".join(text.split()),
}
TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of audio and .txt files, or a .csv or .tsv table."""
    output: Path = Path("data/speech_folder")
    """Folder for manifests and vocabulary."""
    text: Literal["plain", "english", "keep"] = "plain"
    """plain: lower case, no punctuation; english: numbers and abbreviations spelled, too."""
    valid_share: float = 0.1
    """Share held out for validation, where the table gives no splits."""
    test_share: float = 0.1
    """Share held out for testing, where the table gives no splits."""
    speaker_folders: bool = False
    """The folder a file lies in names its speaker (folders of audio and .txt only)."""
    skip_unmatched: bool = False
    """Leave out, and list, what lacks its transcript or its audio or cannot be read."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    _check(options)
    source, output, normalised = options.source, options.output, NORMALISERS[options.text]
    if source.is_file():
        root = source.parent
        found = read_utterances(source, output, normalised, complain=_complaint(options))
    else:
        root, found = source, find_utterances(options)
    given = any(utterance.split for utterance in found)
    write_corpus(output, by_split(found) if given else divide(found, options), root)


def divide(found: list[Utterance], options: Options) -> dict[str, list[Utterance]]:
    """Splits of the asked sizes, by speaker where speakers are known."""
    rest, test = hold_out(found, options.test_share)
    train, valid = hold_out(rest, options.valid_share / (1 - options.test_share))
    return {"train": train, "valid": valid, "test": test}


def find_utterances(options: Options) -> list[Utterance]:
    """Every audio file of a folder with the .txt beside it. Raises: InputError."""
    source = require_folder(options.source, "a folder of recordings, or a .csv or .tsv table")
    recordings, transcripts = _by_id(options, EXTENSIONS), _by_id(options, {".txt"})
    complain = _complaint(options)
    names = match(transcripts, recordings, source, complain)
    texts = _read_texts({name: transcripts[name] for name in names}, complain)
    said = {
        name: Said(
            NORMALISERS[options.text](text),
            recordings[name].parent.name if options.speaker_folders else None,
            where=str(transcripts[name]),
        )
        for name, text in texts.items()
    }
    found = utterances(said, recordings, source, options.output, complain)
    if not found:
        raise InputError(f"{source}: found no recording, expected a.wav with a.txt beside it")
    return found


def _complaint(options: Options) -> Complain:
    """What is done about recordings that cannot be used."""
    return leave_out if options.skip_unmatched else _offer


def _offer(problem: str) -> None:
    """Raises: InputError."""
    first, *more = problem.split("\n")
    raise InputError("\n".join([f"{first}; --skip-unmatched leaves these out", *more]))


def _by_id(options: Options, suffixes: Collection[str]) -> dict[str, Path]:
    """Path without suffix, relative to the source -> file. Raises: InputError for a name twice."""
    found: dict[str, Path] = {}
    source, own = options.source, _own_output(options)
    for path in files_below(source, suffixes):
        if own and path.is_relative_to(own):
            continue
        name = path.relative_to(source).with_suffix("").as_posix()
        if name in found:
            raise InputError(f"{path}: {found[name].name} lies beside it; expected one of them")
        found[name] = path
    return found


def _own_output(options: Options) -> Path | None:
    """What an earlier call may have written into the source, which is no part of it."""
    source, output = options.source.resolve(), options.output.resolve()
    if output == source:
        return options.source / "vocabulary.txt"
    inside = output.is_relative_to(source)
    return options.source / output.relative_to(source) if inside else None


def _read_texts(transcripts: Mapping[str, Path], complain: Complain) -> dict[str, str]:
    """Id -> text of those that can be read."""
    texts, problems = {}, []
    for name, path in transcripts.items():
        try:
            texts[name] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"\n  {path}: {reason(error)}")
    if problems:
        complain(
            f"{len(problems)} transcripts cannot be read, expected text in UTF-8{''.join(problems)}"
        )
    return texts


def _check(options: Options) -> None:
    valid, test = options.valid_share, options.test_share
    if not (valid >= 0 and test >= 0 and valid + test < 1):
        raise InputError(
            f"--valid-share {valid} and --test-share {test}: expected 0 or more, together under 1"
        )
    source = options.source
    if source.is_file() and source.suffix.lower() not in TABLES:
        raise InputError(
            f"{source}: found a file of another kind, expected a .csv or .tsv table, or the folder "
            "of the recordings"
        )
    if options.speaker_folders and source.is_file():
        raise InputError("--speaker-folders is for a folder; expected a column speaker in a table")


if __name__ == "__main__":
    run(prepare, Options, __doc__)
