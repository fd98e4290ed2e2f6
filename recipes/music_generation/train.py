"""Train a model of music as event symbols.

python -m recipes.music_generation.train --config conf/music_generation/default.yaml
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.pieces import Pieces, at_home, read_pieces
from audio_rnn.data.sequences import SequenceBatchConfig, SequenceBatches
from audio_rnn.distributed.processes import Process, leaving_group
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.inference.training_music import TrainingMusic
from audio_rnn.midi.hints import HINTS, hints_of
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.models.folder import NAME
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.tasks.next_symbol import NextSymbol
from recipes.command import program, suggest_evaluation
from recipes.same_run import holding_run, keep_digest, keep_vocabulary
from recipes.training import begin, report_lengths

UNTOLD = 8  # of so many pieces one is without number of bars, so that a model may write without


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a model of music."""

    data: Path = Path("data/default_music")  # folder with train.jsonl and valid.jsonl
    run_dir: Path = Path("runs/music")  # folder that the training writes to
    model: SequenceConfig = field(default_factory=SequenceConfig)
    batches: SequenceBatchConfig = field(default_factory=SequenceBatchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@leaving_group()
def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    begin(config.training)
    model = SequenceModel(config.model, event_vocabulary(), HINTS)
    trainer = Trainer(NextSymbol(model), config.training, config.run_dir)
    process = trainer.process
    pieces = read_pieces(config.data / "train.jsonl")
    batches = make_batches(config, at_home(pieces, UNTOLD), process)
    alone = Process(0, 1, process.device)  # one process validates, on all pieces
    valid = make_batches(config, at_home(read_pieces(config.data / "valid.jsonl")), alone)
    with holding_run(config.run_dir, config, process):
        keep_digest(config.run_dir / "train.sha256", config.data / "train.jsonl", process)
        if process.first:
            keep_vocabulary(config.run_dir / "vocabulary.txt", event_vocabulary())
            TrainingMusic.of(pieces).save(config.run_dir / NAME)
            report_lengths(model, batches, "pieces", "symbols, ends counted")
        trainer.fit(batches, valid)
    if process.first:
        suggest_evaluation("music_generation", config.run_dir, "--data", config.data, ".jsonl")


def make_batches(config: RecipeConfig, pieces: Pieces, process: Process) -> SequenceBatches:
    """Pieces as batches, of which every process has its share."""
    seed, (rank, world) = config.training.seed, (process.rank, process.world)
    return SequenceBatches(pieces, config.batches, seed, rank, world, hints_of)


def main() -> None:
    """Command line."""
    train(from_command_line(RecipeConfig, __doc__ or "", prog=program()))


if __name__ == "__main__":
    run_command(main)
