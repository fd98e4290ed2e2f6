"""Make the index of shards that something else has written, in webdataset's layout.

    python -m recipes.index_shards data/theirs --split train

reads every tar archive below data/theirs/train and writes data/theirs/train.shards.jsonl. A sample
is a sound (flac, wav, ...) and, of the same name, a json with the fields of a manifest such as
"text", or a txt. A vocabulary.txt of the letters of the texts is made where there is none, and a
words.arpa of the words of the split train.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.audio import audio_info
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.samples import FRAMES, describe, sound_of, sound_suffix
from audio_rnn.data.shards import Shard, count_labels, count_timed, index_path, write_index
from audio_rnn.data.tar import Sample, read_samples
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.files import files_below
from audio_rnn.inference.known_words import WORDS
from audio_rnn.vocabulary import Vocabulary
from recipes.known_words import save_words
from recipes.prepare import Source, require_folder, run, warn


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder with a folder of tar archives for each split."""
    split: str = "train"
    """Name of that folder, and of the index."""


def prepare(options: Options) -> None:
    """Write the index, and the vocabulary if need be. Raises: InputError."""
    folder = require_folder(options.source / options.split, "a folder of tar archives")
    archives = files_below(folder, {".tar"})
    if not archives:
        raise InputError(f"{folder}: found no archive, expected a.tar")
    seen = Seen()
    shards = [index(path, options.source, seen) for path in archives]
    write_index(index_path(options.source, options.split), shards)
    vocabulary = options.source / "vocabulary.txt"
    if seen.letters and not vocabulary.exists():
        Vocabulary.from_texts(["".join(sorted(seen.letters))]).save(vocabulary)
    if options.split == "train":
        save_words(options.source / WORDS, seen.words)
    hours = sum(sum(shard.durations) for shard in shards) / 3600
    count = sum(len(shard.durations) for shard in shards)
    print(f"{options.split}: {count} samples, {hours:.3f} h, {len(shards)} shards")


@dataclass(frozen=True)
class Seen:
    """What texts consist of."""

    letters: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Another text."""
        self.letters.update(text)
        self.words.update(text.split())


def index(path: Path, root: Path, seen: Seen) -> Shard:
    """The index's line for an archive; its texts are added to what is seen. Raises: InputError."""
    name = path.relative_to(root).as_posix()
    utterances = list(_utterances(str(root), name))
    durations = tuple(round(utterance.duration, 4) for utterance in utterances)
    for utterance in utterances:
        seen.add(utterance.text or "")
    try:
        told = count_labels(utterances), count_timed(utterances)
        return Shard(name, path.stat().st_size, durations, *told)
    except ConfigError as error:
        raise InputError(f"{path}: {error}") from None


def _utterances(root: str, name: str) -> Iterator[Utterance]:
    """Those of an archive. One that cannot be used stays, as a second: training leaves it out."""
    for sample in read_samples(root, name):
        try:
            yield describe(sample, _seconds(sample))
        except InputError as error:
            warn(str(error))
            yield Utterance(sample.key or "nameless", 1.0, audio="unknown")


def _seconds(sample: Sample) -> float:
    return 1.0 if sound_suffix(sample) in FRAMES else audio_info(sound_of(sample)).duration


if __name__ == "__main__":
    run(prepare, Options, __doc__)
