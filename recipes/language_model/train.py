"""Train a language model on prepared texts.

python -m recipes.language_model.train --config conf/language_model/an4.yaml
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.sequences import SequenceBatchConfig, SequenceBatches
from audio_rnn.data.texts import encode_texts, read_texts
from audio_rnn.distributed.processes import Process, leaving_group
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.tasks.next_symbol import NextSymbol
from audio_rnn.vocabulary import Vocabulary
from recipes.command import program, suggest_evaluation
from recipes.same_run import holding_run, keep_digest, keep_vocabulary
from recipes.training import begin, report_lengths


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a language model."""

    data: Path = Path("data/default_text")  # folder with train.txt, valid.txt and vocabulary.txt
    run_dir: Path = Path("runs/language_model")  # folder that the training writes to
    model: SequenceConfig = field(default_factory=SequenceConfig)
    batches: SequenceBatchConfig = field(default_factory=SequenceBatchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@leaving_group()
def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    begin(config.training)
    vocabulary = Vocabulary.load(config.data / "vocabulary.txt")
    model = SequenceModel(config.model, vocabulary)
    trainer = Trainer(NextSymbol(model), config.training, config.run_dir)
    process = trainer.process
    batches = load_batches(config, "train", vocabulary, process)
    alone = Process(0, 1, process.device)  # one process validates, on all texts
    valid = load_batches(config, "valid", vocabulary, alone)
    with holding_run(config.run_dir, config, process):
        keep_digest(config.run_dir / "train.sha256", config.data / "train.txt", process)
        if process.first:
            keep_vocabulary(config.run_dir / "vocabulary.txt", vocabulary)
            items = f"texts of {len(vocabulary)} kinds of symbols"
            report_lengths(model, batches, items, "symbols, ends counted")
        trainer.fit(batches, valid)
    if process.first:
        suggest_evaluation("language_model", config.run_dir, "--text", config.data, ".txt")


def load_batches(
    config: RecipeConfig, split: str, vocabulary: Vocabulary, process: Process
) -> SequenceBatches:
    """The texts of a split as batches. Raises: InputError."""
    sequences = encode_texts(vocabulary, read_texts(config.data / f"{split}.txt"))
    seed = config.training.seed
    return SequenceBatches(sequences, config.batches, seed, process.rank, process.world)


def main() -> None:
    """Command line."""
    train(from_command_line(RecipeConfig, __doc__ or "", prog=program()))


if __name__ == "__main__":
    run_command(main)
