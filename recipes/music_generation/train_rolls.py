"""Train a model of piano rolls.

python -m recipes.music_generation.train_rolls --config conf/music_generation/jsb_roll.yaml
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.library import Library
from audio_rnn.data.rolls import RollBatchConfig, RollBatches, read_rolls
from audio_rnn.distributed.processes import leaving_group
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.rolls import RollConfig, RollModel
from audio_rnn.tasks.piano_roll import PianoRoll
from recipes.command import program
from recipes.same_run import holding_run, keep_digest
from recipes.training import begin, report_lengths


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a model of piano rolls."""

    data: Path = Path("data/jsb_roll")  # folder with train.npz and valid.npz
    run_dir: Path = Path("runs/jsb_roll")  # folder that the training writes to
    library: bool = False  # the model looks up how voices went on in the pieces it is trained on
    model: RollConfig = field(default_factory=RollConfig)
    batches: RollBatchConfig = field(default_factory=RollBatchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@leaving_group()
def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    begin(config.training)
    rolls = {split: read_rolls(config.data / f"{split}.npz") for split in ("train", "valid")}
    voices = next(iter(rolls["train"].values())).shape[1]
    library = Library.of(rolls["train"]) if config.library else None
    model = RollModel(config.model, voices, library)
    trainer = Trainer(PianoRoll(model), config.training, config.run_dir)
    seed, process = config.training.seed, trainer.process
    share = process.rank, process.world
    batches = RollBatches(rolls["train"], config.batches, seed, *share, library)
    valid = RollBatches(rolls["valid"], config.batches, library=library)
    with holding_run(config.run_dir, config, process):
        keep_digest(config.run_dir / "train.sha256", config.data / "train.npz", process)
        if process.first:
            report_lengths(model, batches, "pieces", "frames")
        trainer.fit(batches, valid)
    if process.first:
        suggest(config)


def suggest(config: RecipeConfig) -> None:
    """Print the command that scores the trained model."""
    print(
        f"next: python -m recipes.music_generation.evaluate_rolls --model {config.run_dir} "
        f"--rolls {config.data / 'test.npz'}",
        file=sys.stderr,
    )


def main() -> None:
    """Command line."""
    train(from_command_line(RecipeConfig, __doc__ or "", prog=program()))


if __name__ == "__main__":
    run_command(main)
