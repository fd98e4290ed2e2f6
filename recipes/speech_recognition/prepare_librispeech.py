"""Prepare LibriSpeech as distributed, or a piece of it with a manifest.tsv.

SOURCE is a folder with the subsets (train-clean-100, dev-clean ...), the folder LibriSpeech
around them or their .tar.gz archives; or one archive; or a folder with manifest.tsv (columns
path, split, speaker, text) whose own splits are then used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError, reason
from recipes.prepare import Source, require_folder, run
from recipes.speech_recognition.archive import extract, is_archive
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.recordings import Said, match, utterances
from recipes.speech_recognition.splits import by_split
from recipes.speech_recognition.table import read_utterances

TABLE = "manifest.tsv"


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder or archive of the corpus."""
    output: Path = Path("data/librispeech")
    """Folder for manifests and vocabulary."""
    train: tuple[str, ...] = ("train-clean-100",)
    """Subsets to train on."""
    valid: tuple[str, ...] = ("dev-clean",)
    """Subsets to validate on; may be empty."""
    test: tuple[str, ...] = ("test-clean",)
    """Subsets to test on; may be empty."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    if (options.source / TABLE).is_file():
        _refuse_subsets(options)
        splits = by_split(read_utterances(options.source / TABLE, options.output, str))
    else:
        chosen = {"train": options.train, "valid": options.valid, "test": options.test}
        splits = {
            split: [u for subset in subsets for u in read_subset(subset, options)]
            for split, subsets in chosen.items()
        }
    archived = is_archive(options.source)
    write_corpus(options.output, splits, None if archived else options.source)


def read_subset(subset: str, options: Options) -> list[Utterance]:
    """The utterances of one subset, every transcript with its file."""
    folder = find_subset(subset, options.source, options.output)
    texts, recordings = {}, {}
    for transcript in sorted(folder.glob("*/*/*.trans.txt")):
        texts.update(read_transcript(transcript))
    for path in sorted(folder.glob("*/*/*.flac")):
        recordings[path.stem] = path
    if not texts:
        raise InputError(f"{folder}: found no SPEAKER/CHAPTER/*.trans.txt, expected LibriSpeech")
    names = match(texts, recordings, folder)
    said = {name: Said(texts[name], name.split("-")[0]) for name in names}
    return utterances(said, recordings, options.source, options.output)


def find_subset(subset: str, source: Path, output: Path) -> Path:
    """The folder of a subset, unpacked into `output` from its archive if need be."""
    if is_archive(source):
        source = extract(source, output / "extracted")
    require_folder(source, "the folder LibriSpeech or one of its archives")
    for place in (source / subset, source / "LibriSpeech" / subset):
        if place.is_dir():
            return place
    if is_archive(archive := source / f"{subset}.tar.gz"):
        return find_subset(subset, archive, output)
    raise InputError(
        f"{source}: found no {subset}, LibriSpeech/{subset} or {subset}.tar.gz; "
        "name the subsets that are there with --train, --valid and --test"
    )


def read_transcript(path: Path) -> dict[str, str]:
    """Id -> text of a chapter. A line is `19-198-0000 NORTHANGER ABBEY`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {reason(error)}") from error
    return {name: text for name, _, text in (line.partition(" ") for line in lines) if name}


def _refuse_subsets(options: Options) -> None:
    if options != Options(options.source, options.output):
        raise InputError(
            f"{options.source / TABLE} gives the splits itself; leave out --train, --valid, --test"
        )


if __name__ == "__main__":
    run(prepare, Options, __doc__)
