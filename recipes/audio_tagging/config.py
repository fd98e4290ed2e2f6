"""What can be chosen about the training of a tagger."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.augment import AugmentConfig
from audio_rnn.augment.clips import ClipAugmentConfig
from audio_rnn.config import require
from audio_rnn.data.batching import BatchConfig
from audio_rnn.data.shards import ShardConfig
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.models.sound import SoundConfig, SoundModel
from audio_rnn.tasks.tagging import TaggingConfig
from recipes.inherit import from_arguments_around


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a tagger."""

    data: Path = Path(
        "data/sounds"
    )  # folder with classes.txt, and train.jsonl, all.jsonl or shards
    run_dir: Path = Path("runs/audio_tagging")  # folder that the training writes to
    fold: int | None = None  # of all.jsonl, kept for testing
    valid_fold: int | None = None  # of all.jsonl, to choose the best model by
    longest: float = 30.0  # seconds; longer recordings are cut into parts
    init: Path | None = None  # run folder of a model to begin with, which is then built like it
    use_events: bool = True  # false: of what is known when, learn only that it is heard
    model: SoundConfig = field(default_factory=SoundConfig)
    task: TaggingConfig = field(default_factory=TaggingConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    clips: ClipAugmentConfig = field(default_factory=ClipAugmentConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    shards: ShardConfig = field(default_factory=ShardConfig)  # of data made by recipes.shard
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        require(self.longest > 0, "longest", self.longest, "seconds above 0")
        require(
            self.valid_fold is None or self.fold not in (None, self.valid_fold),
            "valid_fold",
            self.valid_fold,
            "a fold other than the one kept for testing (fold), which must be given",
        )


def from_arguments(description: str, arguments: list[str] | None = None) -> RecipeConfig:
    """The config that the command line describes; with `init`, around the config of that model.

    Raises: ConfigError, ModelError.
    """
    return from_arguments_around(RecipeConfig, SoundModel.load, description, arguments)
