"""Shards -> the batches of a training. What is wrong with a clip shows when its turn has come."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from audio_rnn.classes import Classes
from audio_rnn.data.clips import ClipBatch, check_clips, without_events
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.samples import ClipReader
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shards import read_index
from audio_rnn.distributed.processes import Process
from recipes.audio_tagging.checks import check_single
from recipes.audio_tagging.config import RecipeConfig


def load_train_shards(
    config: RecipeConfig, path: Path, classes: Classes, process: Process
) -> ShardBatches[ClipBatch]:
    """Training batches."""
    index, seed = read_index(path, config.shards.source), config.training.seed
    reader, who = _reader(config, path, classes), (process.rank, process.world)
    return ShardBatches(index, reader, config.shards, config.batches, seed, *who)


def load_valid_shards(
    config: RecipeConfig, path: Path, classes: Classes
) -> ShardBatches[ClipBatch]:
    """All clips for validation, which one process does."""
    index, reader = read_index(path, config.shards.source), _reader(config, path, classes)
    return ShardBatches(index, reader, replace(config.shards, lanes=1), config.batches)


def count_in_shards(config: RecipeConfig, path: Path) -> tuple[Counter[str], int]:
    """In how many training clips each class is heard, and how many clips there are."""
    index = read_index(path, config.shards.source)
    return index.labels, sum(map(len, index.durations))


def _reader(config: RecipeConfig, path: Path, classes: Classes) -> ClipReader:
    return ClipReader(Heard(config, path, classes), classes, config.model.features.sample_rate)


class Heard:
    """What of a clip is trained on. Worker processes get a copy of it."""

    def __init__(self, config: RecipeConfig, path: Path, classes: Classes) -> None:
        self.path, self.classes = path, classes
        self.one, self.use_events = config.model.labels == "one", config.use_events

    def __call__(self, clip: Utterance) -> Utterance:
        """Raises: ManifestError."""
        check_clips([clip], self.classes, self.path)
        if self.one:
            check_single([clip], self.path)
        return clip if self.use_events else without_events([clip])[0]
