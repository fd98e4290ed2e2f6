"""What training scripts share."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from audio_rnn.data.batching import Batches
from audio_rnn.engine.distributed import Process
from audio_rnn.features import Features


def measure_statistics(features: Features, batches: Batches[Any], process: Process) -> None:
    """Mean and deviation for global normalisation.

    Every process goes through all data in the same order, and so finds the same values.
    """
    every = Batches(batches.dataset, batches.config)
    moved = (batch.to(process.device) for batch in every.epoch(0))
    features.fit((batch.inputs, batch.lengths) for batch in moved)


def report(model: nn.Module, batches: Batches[Any], items: str) -> None:
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
