"""What can be chosen about the training of a speech recogniser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.augment import AugmentConfig
from audio_rnn.data.batching import BatchConfig
from audio_rnn.data.shards import ShardConfig
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from recipes.inherit import from_arguments_around


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a speech recogniser."""

    data: Path = Path("data/default")  # with train.jsonl, valid.jsonl, vocabulary.txt; or of shards
    run_dir: Path = Path("runs/speech_recognition")  # folder that the training writes to
    init: Path | None = None  # run folder of a model to begin with, which is then built like it
    model: SpeechConfig = field(default_factory=SpeechConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    shards: ShardConfig = field(default_factory=ShardConfig)  # of data made by recipes.shard
    training: TrainingConfig = field(default_factory=TrainingConfig)


def from_arguments(description: str, arguments: list[str] | None = None) -> RecipeConfig:
    """The config that the command line describes; with `init`, around the config of that model.

    Raises: ConfigError, ModelError.
    """
    return from_arguments_around(RecipeConfig, SpeechModel.load, description, arguments)
