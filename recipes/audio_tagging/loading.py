"""Prepared manifests -> the batches of a training, and what is wrong with them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from audio_rnn.classes import Classes
from audio_rnn.data.batching import Batches
from audio_rnn.data.clips import ClipDataset, check_clips, cut, without_events
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.data.shards import read_index
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import ManifestError
from recipes.audio_tagging.checks import check_several, check_single
from recipes.audio_tagging.config import RecipeConfig
from recipes.audio_tagging.folds import read_folds, training_folds
from recipes.audio_tagging.sharded import (
    count_in_shards,
    load_train_shards,
    load_valid_shards,
)
from recipes.prepare import listed
from recipes.prepared import data_file, in_shards
from recipes.training import TrainingData

log = logging.getLogger(__name__)


def load_train(config: RecipeConfig, classes: Classes, process: Process) -> TrainingData:
    """Training batches. Raises: ManifestError."""
    if in_shards(path := training_file(config)):
        return load_train_shards(config, path, classes, process)
    path, clips = training_clips(config)
    if process.first:
        warn_of_rare(clips, classes, path)
    dataset = _dataset(config, clips, classes)
    return Batches(dataset, config.batches, config.training.seed, process.rank, process.world)


def load_valid(config: RecipeConfig, classes: Classes) -> TrainingData | None:
    """All clips for validation; None when there are none. Raises: ManifestError."""
    path, clips = _valid_clips(config)
    if in_shards(path):
        _require_sounds(config, *count_in_shards(config, path), path)
        return load_valid_shards(config, path, classes)
    if not clips:
        return None
    _require_sounds(config, *_count(config, clips, classes, path), path)
    return Batches(_dataset(config, clips, classes), config.batches)


def tells_times(config: RecipeConfig) -> bool:
    """Whether the validation data say when something is heard. Raises: ManifestError."""
    path, clips = _valid_clips(config)
    if in_shards(path):
        return config.use_events and read_index(path, config.shards.source).timed > 0
    return config.use_events and any(u.events for u in clips)


def _valid_clips(config: RecipeConfig) -> tuple[Path, list[Utterance]]:
    """The clips for validation, if they are no shards, and the file that says which."""
    if config.fold is not None:
        path, fold = config.data / "all.jsonl", config.valid_fold
        return path, [u for u in read_manifest(path) if fold is not None and u.fold == fold]
    path = data_file(config.data, "valid")
    there = path.exists() and not in_shards(path)
    return path, read_manifest(path) if there else []


def load_shares(config: RecipeConfig, classes: Classes) -> Tensor:
    """Of the training clips, those that each class is heard in: (classes,).

    Raises: ManifestError for clips that this model cannot be trained on.
    """
    path = training_file(config)
    if in_shards(path):
        counts, total = count_in_shards(config, path)
    else:
        path, clips = training_clips(config)
        counts, total = _count(config, clips, classes, path)
    if config.model.labels == "one":
        check_several(classes, path)
    if not counts:
        raise ManifestError(
            f"{path}: found {total} clips in which nothing is heard, expected tags or events in "
            "some to learn from"
        )
    return torch.tensor([counts[name] / total for name in classes.names])


def _require_sounds(config: RecipeConfig, counts: Counter[str], total: int, path: Path) -> None:
    """Raises: ManifestError for clips that the best model cannot be told by."""
    if config.training.keep == "best" and not counts:
        raise ManifestError(
            f"{path}: found {total} clips in which nothing is heard, expected tags or events in "
            "some to choose the best model by; add such clips, or set --training.keep last"
        )


def _count(
    config: RecipeConfig, clips: Sequence[Utterance], classes: Classes, path: Path
) -> tuple[Counter[str], int]:
    """In how many clips each class is heard, and how many clips there are."""
    check_clips(clips, classes, path)
    if config.model.labels == "one":
        check_single(clips, path)
    return Counter(label for u in clips for label in set(u.labels or ())), len(clips)


def training_file(config: RecipeConfig) -> Path:
    """The file that says what is trained on. Raises: ManifestError."""
    return config.data / "all.jsonl" if config.fold is not None else data_file(config.data, "train")


def training_clips(config: RecipeConfig) -> tuple[Path, list[Utterance]]:
    """What is trained on, and the file that says so. Raises: ManifestError."""
    folds = config.data / "all.jsonl"
    if config.fold is not None:
        return folds, training_folds(read_folds(folds), config, folds)
    path = config.data / "train.jsonl"
    if folds.exists() and not path.exists():
        raise ManifestError(
            f"{config.data}: found all.jsonl, whose clips have folds; say which fold is kept for "
            "testing, as in --fold 1, or use recipes.audio_tagging.cross_validate for all"
        )
    return path, read_manifest(path)


def warn_of_rare(clips: Sequence[Utterance], classes: Classes, path: Path) -> None:
    """Say which classes cannot be learnt, or hardly."""
    counts = Counter(label for u in clips for label in set(u.labels or ()))
    everywhere = [n for n in classes.names if counts[n] == len(clips)]
    tagged = all(u.events is None for u in clips)
    for what, names in (
        ("no clip without them, so that they are heard in anything", everywhere if tagged else []),
        ("no training clip, so that they cannot be learnt", [n for n in classes.names if not counts[n]]),
        ("one training clip, which is hardly enough", [n for n in classes.names if counts[n] == 1]),
    ):  # fmt: skip
        if names:
            log.warning("%s: classes with %s: %s", path, what, listed(names))


def _dataset(
    config: RecipeConfig, utterances: Sequence[Utterance], classes: Classes
) -> ClipDataset:
    kept = utterances if config.use_events else without_events(utterances)
    rate = config.model.features.sample_rate
    return ClipDataset(config.data, cut(kept, config.longest), classes, rate)
