"""Score a trained model on pieces: how likely it finds each of their symbols and notes.

python -m recipes.music_generation.evaluate --model runs/music --data data/default_music/test.jsonl
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.data.pieces import at_home, read_pieces
from audio_rnn.data.sequences import SequenceBatchConfig, SequenceBatches
from audio_rnn.device import choose_device
from audio_rnn.inference.music_model import load_music_model
from audio_rnn.inference.training_music import TrainingMusic
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.hints import hints_of
from audio_rnn.midi.home import Home
from audio_rnn.midi.symbols import KIND, Kind
from audio_rnn.models.sequence import SequenceModel
from recipes.command import program

TOGETHER = SequenceBatchConfig(symbols=20_000)


@dataclass(frozen=True)
class Options:
    """What to score."""

    model: Path  # run folder or model folder
    data: Path  # file of pieces that a prepare script wrote
    device: str = "auto"  # auto, cpu, cuda or cuda:N


@dataclass(frozen=True)
class Likelihood:
    """Sums over all pieces, the end of each one told and counted."""

    nats: float
    symbols: int
    notes: int
    pieces: int


def evaluate(options: Options) -> Likelihood:
    """Score and print. Raises: InputError."""
    pieces = read_pieces(options.data)
    model = load_music_model(options.model).to(choose_device(options.device))
    likelihood = measure(model, TrainingMusic.load(options.model), pieces)
    show(Console(), likelihood)
    return likelihood


def measure(
    model: SequenceModel, training: TrainingMusic, pieces: Mapping[str, Sequence[int]]
) -> Likelihood:
    """Sums over all pieces: of where each stands, and of its symbols at home."""
    device = model.embedding.weight.device
    read = at_home(pieces)
    batches = SequenceBatches(read, TOGETHER, hinting=hints_of).epoch(0)
    where = sum(training.surprise(Home.of(read_symbols(ids).piece())) for ids in pieces.values())
    return Likelihood(
        nats=where - sum(float(model.score_batch(batch.to(device)).sum()) for batch in batches),
        symbols=sum(len(ids) + 1 for ids in read.values()),
        notes=sum(int((KIND[list(ids)] == Kind.PITCH).sum()) for ids in read.values()),
        pieces=len(pieces),
    )


def show(console: Console, likelihood: Likelihood) -> None:
    """A table of means."""
    table = Table("", "count", "nats each", title="all symbols, ends counted")
    for name in ("symbols", "notes", "pieces"):
        count = getattr(likelihood, name)
        table.add_row(name, str(count), f"{likelihood.nats / count:.4f}")
    console.print(table)


def main() -> None:
    """Command line."""
    evaluate(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
