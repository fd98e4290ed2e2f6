"""Shards -> the batches of a training. What is wrong with a sample shows when its turn has come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audio_rnn.data.dataset import SpeechBatch
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.samples import SpeechReader
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shards import read_index
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import ManifestError, VocabularyError
from audio_rnn.features import Features
from audio_rnn.models.speech import SpeechModel
from audio_rnn.tasks.recognition import fits
from audio_rnn.vocabulary import Vocabulary
from recipes.speech_recognition.config import RecipeConfig


def load_train_shards(
    config: RecipeConfig, path: Path, model: SpeechModel, process: Process
) -> ShardBatches[SpeechBatch]:
    """Training batches; utterances that CTC cannot align are named and left out."""
    reader = SpeechReader(Spelling(model, whole=True), config.model.features.sample_rate)
    index, seed = read_index(path, config.shards.source), config.training.seed
    who = process.rank, process.world
    return ShardBatches(index, reader, config.shards, config.batches, seed, *who)


def load_valid_shards(
    config: RecipeConfig, path: Path, model: SpeechModel
) -> ShardBatches[SpeechBatch]:
    """All utterances for validation, which one process does; those too short count as errors."""
    reader = SpeechReader(Spelling(model, whole=False), config.model.features.sample_rate)
    index = read_index(path, config.shards.source)
    return ShardBatches(index, reader, replace(config.shards, lanes=1), config.batches)


class Spelling:
    """Texts as symbols. It holds no model, since worker processes get a copy of it."""

    def __init__(self, model: SpeechModel, whole: bool) -> None:
        """`whole`: refuse a text that its utterance is too short for."""
        self.vocabulary, self.whole = model.vocabulary, whole
        self.features = Features(model.features.config)
        self.stride = model.config.acoustic.stride

    def __call__(self, utterance: Utterance) -> list[int]:
        """Symbol ids. Raises: ManifestError, VocabularyError."""
        ids = encode(self.vocabulary, utterance)
        if self.whole and not fits(self.features, self.stride, utterance, ids):
            raise ManifestError(
                f"utterance {utterance.id!r} is shorter than its text needs: found "
                f"{utterance.duration:.2f} s for {len(ids)} symbols"
            )
        return ids


def encode(vocabulary: Vocabulary, utterance: Utterance) -> list[int]:
    """Symbol ids of an utterance's text. Raises ManifestError, VocabularyError."""
    if not (utterance.text or "").strip():
        raise ManifestError(f"utterance {utterance.id!r} has no text; expected a transcript")
    try:
        return vocabulary.encode(utterance.text or "")
    except VocabularyError as error:
        raise VocabularyError(f"utterance {utterance.id!r}: {error}") from None
