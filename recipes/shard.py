"""Put a prepared folder into tar shards, as corpora need that are larger than a disk.

    python -m recipes.shard data/mine --output data/mine_shards

Each recording goes in as it is, with its line of the manifest beside it, in random order. The
layout is that of webdataset. The folder that this makes is trained from like the one it was made of.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_rnn.data.manifest import read_manifest
from audio_rnn.data.shard_writer import write_shards
from audio_rnn.errors import InputError
from audio_rnn.inference.known_words import WORDS
from recipes.known_words import save_words
from recipes.prepare import Source, require_folder, run

SPLITS = ("train", "valid", "test")
BESIDE = ("vocabulary.txt", "classes.txt")  # of speech, of sounds


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder that a prepare script wrote."""
    output: Path
    """New folder for the shards."""
    seconds: float = 3600.0
    """Of audio in a shard. An hour of speech in FLAC at 16 kHz takes about 65 MB."""
    seed: int = 0
    """Of the order inside and over the shards."""


def prepare(options: Options) -> None:
    """Write the shards of every split there is, and say how many. Raises: InputError."""
    source = require_folder(options.source, "a folder that a prepare script wrote")
    splits = [name for name in SPLITS if (source / f"{name}.jsonl").exists()]
    if not splits:
        raise InputError(f"{source}: found no train.jsonl, expected a prepared folder")
    if options.output.resolve() == source.resolve():
        raise InputError(f"--output: found the source, {source}, expected another folder")
    if not options.seconds > 0:
        raise InputError(f"--seconds: found {options.seconds}, expected seconds above 0")
    for split in splits:
        utterances = read_manifest(source / f"{split}.jsonl")
        order = np.random.default_rng(options.seed).permutation(len(utterances))
        mixed = [utterances[i] for i in order]
        shards = write_shards(options.output, split, source, mixed, options.seconds)
        if split == "train":
            save_words(options.output / WORDS, (u.text or "" for u in utterances))
        hours = sum(u.duration for u in utterances) / 3600
        size = sum(shard.bytes for shard in shards) / 1e6
        print(
            f"{split}: {len(utterances)} samples, {hours:.3f} h, {len(shards)} shards, {size:.1f} MB"
        )
    for name in BESIDE:
        if (source / name).exists():
            shutil.copyfile(source / name, options.output / name)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
