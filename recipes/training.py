"""What training scripts share."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn

from audio_rnn.data.batching import Batches
from audio_rnn.data.rolls import RollBatches
from audio_rnn.data.sequences import SequenceBatches
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.distributed.processes import Process
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.features import Features
from audio_rnn.threads import use_threads

TrainingData = Batches[Any] | ShardBatches[Any]  # of files, or of shards


def begin(config: TrainingConfig) -> None:
    """What comes before a model is made: the seed, and the threads, since matrices that are made
    orthogonal by other numbers of them differ in their last bits."""
    use_threads(config.threads)
    torch.manual_seed(config.seed)


def measure_statistics(features: Features, batches: TrainingData, process: Process) -> None:
    """Mean and deviation for global normalisation.

    Every process goes through the same data in the same order, and so finds the same values.
    """
    moved = (batch.to(process.device) for batch in batches.in_order())
    features.fit((batch.inputs, batch.lengths) for batch in moved)


def report(model: nn.Module, batches: TrainingData, items: str) -> None:
    """Say what is about to be trained on what."""
    hours = batches.durations.sum() / 3600
    say(
        f"{len(batches.durations)} {items}, {hours:.2f} h, {batches.steps(1)} batches, "
        f"{batches.padding(1):.1%} padding; {size_of(model)}"
    )


def report_lengths(
    model: nn.Module, batches: SequenceBatches | RollBatches, items: str, steps: str
) -> None:
    """The same of sequences, whose lengths are counted in steps."""
    say(
        f"{len(batches.lengths)} {items}, {batches.lengths.sum()} {steps}, "
        f"{batches.steps(1)} batches; {size_of(model)}"
    )


def size_of(model: nn.Module) -> str:
    """How large a model is, for people."""
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.3g} M parameters"


def say(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr)
