"""Prepare your own sounds: folders of clips, recordings with their labels, or a table.

A folder has a folder a class, with its clips; or recordings with a label track beside each, as
Audacity exports it (a.txt for a.wav), also in folders of their own; or train, valid and test, with
such things in each.
A .csv or .tsv table has the columns path (or filename) and tags (several are separated by ;), or
path, onset, offset and label with a row an event, in seconds; a file in which nothing is heard has
an empty tag or label. More columns, if known: split (train, valid, test) or fold (1, 2 ...), and
recording, what a clip was cut from. Paths are relative to the table. Every file is read to its end,
so that none stops the training later. Without given splits, the shares are held out of each class;
clips of one recording, or with the very same sound, stay together. A single recording whose events
are known is cut into parts, of which some are held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from recipes.audio_tagging.annotations import read_annotations
from recipes.audio_tagging.corpus import write_corpus
from recipes.audio_tagging.folders import find_clips
from recipes.audio_tagging.one_recording import in_parts
from recipes.audio_tagging.recordings import Heard, clips, require_files
from recipes.audio_tagging.splits import check_shares, divide
from recipes.prepare import Source, is_below, leave_out, require_folder, run

TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder with a folder a class or with labelled recordings, or a .csv or .tsv table."""
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
    check_shares(options.valid_share, options.test_share)
    source = options.source
    if source.is_file():
        root, heard, classes = source.parent, _read_table(options), set[str]()
        files = require_files(heard, root, source, "correct the table")
    else:
        root = require_folder(source, "a folder with a folder a class, or a .csv or .tsv table")
        _check_output(source, options.output)
        heard = find_clips(source, options.output, options.negatives)
        classes = {tag for what in heard.values() for tag in what.tags or ()}
        files = {name: source / name for name in heard}
    made = clips(heard, files, root, options.output, leave_out if options.skip_broken else _offer)
    if not any(clip.split or clip.fold for clip in made):
        made = _divide(options, made, root)
    write_corpus(options.output, made, root, classes)


def _divide(options: Options, made: list[Utterance], root: Path) -> list[Utterance]:
    """Shares are held out; of a single recording whose events are known, parts of it."""
    shares = options.valid_share, options.test_share
    if len(made) == 1 and made[0].events and any(shares):
        made = in_parts(made[0], root, options.output)
    return divide(made, *shares)


def _check_output(source: Path, output: Path) -> None:
    """What is written into the folder of a class would become a part of it."""
    inside = is_below(output, source) and source.resolve() != output.resolve()
    if inside and output.resolve().parent != source.resolve():
        raise InputError(
            f"--output {output}: lies inside a folder of {source}; expected a place of its own"
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
