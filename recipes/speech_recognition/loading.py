"""Prepared manifests -> the batches of a training, and what is wrong with them."""

from __future__ import annotations

import logging
from pathlib import Path

from audio_rnn.data.batching import Batches
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import InputError, ManifestError
from audio_rnn.models.speech import SpeechModel
from audio_rnn.tasks.recognition import too_short
from audio_rnn.vocabulary import Vocabulary
from recipes.prepared import data_file, in_shards
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.sharded import encode as spell
from recipes.speech_recognition.sharded import load_train_shards, load_valid_shards
from recipes.training import TrainingData

log = logging.getLogger(__name__)


def load_train(config: RecipeConfig, model: SpeechModel, process: Process) -> TrainingData:
    """Training batches, without utterances that CTC cannot align, which are named."""
    path = data_file(config.data, "train")
    if in_shards(path):
        return load_train_shards(config, path, model, process)
    utterances, targets, short = load_split(path, model)
    if short and process.first:
        _warn_of_short(path, short, len(utterances), "left out")
    kept = [i for i, utterance in enumerate(utterances) if utterance.id not in short]
    if not kept:
        raise ManifestError(
            f"{path}: no utterance is long enough for its text; check texts, lower acoustic.stride"
        )
    dataset = SpeechDataset(
        config.data,
        [utterances[i] for i in kept],
        [targets[i] for i in kept],
        config.model.features.sample_rate,
    )
    seed = config.training.seed
    return Batches(dataset, config.batches, seed, process.rank, process.world)


def load_valid(config: RecipeConfig, model: SpeechModel, process: Process) -> TrainingData:
    """All utterances for validation, which one process does; those too short count as errors."""
    path = data_file(config.data, "valid")
    if in_shards(path):
        return load_valid_shards(config, path, model)
    if not path.exists():
        raise ManifestError(
            f"{path}: missing, expected utterances to choose the best model by; "
            "prepare the data with a validation share above 0"
        )
    utterances, targets, short = load_split(path, model)
    if short and process.first:
        _warn_of_short(path, short, len(utterances), "cannot be right")
    rate = config.model.features.sample_rate
    return Batches(SpeechDataset(config.data, utterances, targets, rate), config.batches)


def load_split(path: Path, model: SpeechModel) -> tuple[list[Utterance], list[list[int]], set[str]]:
    """Utterances, their symbol ids, and the ids of those that CTC cannot align."""
    utterances = read_manifest(path)
    targets = [encode(model.vocabulary, utterance, path) for utterance in utterances]
    return utterances, targets, set(too_short(model, utterances, targets))


def _warn_of_short(path: Path, short: set[str], count: int, what: str) -> None:
    log.warning(
        "%s: %d of %d utterances %s, since they are shorter than their text needs: %s",
        path, len(short), count, what, ", ".join(sorted(short)),
    )  # fmt: skip


def encode(vocabulary: Vocabulary, utterance: Utterance, path: Path) -> list[int]:
    """Symbol ids of an utterance's text. Raises ManifestError, VocabularyError."""
    try:
        return spell(vocabulary, utterance)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None
