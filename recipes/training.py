"""What training scripts share."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from audio_rnn.data.batching import Batches
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.distributed.processes import Process
from audio_rnn.features import Features

TrainingData = Batches[Any] | ShardBatches[Any]  # of files, or of shards


def measure_statistics(features: Features, batches: TrainingData, process: Process) -> None:
    """Mean and deviation for global normalisation.

    Every process goes through the same data in the same order, and so finds the same values.
    """
    moved = (batch.to(process.device) for batch in batches.in_order())
    features.fit((batch.inputs, batch.lengths) for batch in moved)


def report(model: nn.Module, batches: TrainingData, items: str) -> None:
    """Say what is about to be trained on what."""
    hours = batches.durations.sum() / 3600
    parameters = sum(p.numel() for p in model.parameters())
    say(
        f"{len(batches.durations)} {items}, {hours:.2f} h, {batches.steps(1)} batches, "
        f"{batches.padding(1):.1%} padding; {parameters / 1e6:.2f} M parameters"
    )


def say(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr)
