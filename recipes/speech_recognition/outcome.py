"""What a person is told when a training has ended: whether it is of use, and what comes next."""

from __future__ import annotations

import sys

from audio_rnn.runs.position import Position
from recipes.command import suggest_evaluation
from recipes.speech_recognition.config import RecipeConfig
from recipes.training import TrainingData

POOR = 0.9  # word error rate that makes a recogniser useless


def report_outcome(
    config: RecipeConfig, end: Position, batches: TrainingData, silent: bool
) -> None:
    """Say what to do next; `silent`: the last epoch wrote nothing but blanks."""
    if end.best is None:
        return
    if end.best >= POOR:
        print(advice(config, end, batches, silent), file=sys.stderr)
    suggest_evaluation(
        "speech_recognition",
        config.run_dir,
        "--manifest",
        config.data,
        ".jsonl",
        config.shards.source,
    )


def advice(config: RecipeConfig, end: Position, batches: TrainingData, silent: bool) -> str:
    """What is known of a training that came to nothing, and what may help."""
    hours = batches.durations.sum() / 3600
    remedies = [
        "add speech: a recogniser of sentences wants some hours, of digits or commands minutes",
        "train longer (--training.epochs), or in smaller batches (--batches.seconds): more steps",
        "check that every text belongs to its audio",
    ]
    if config.init is None:
        remedies.insert(0, "begin with a model of like speech (--init RUN)")
    if silent:
        remedies.append(f"it still writes only blanks: try another rate ({config.training.rate})")
    return (
        f"the model is of no use: a word error rate of {end.best:.0%} after {end.step} steps on "
        f"{len(batches.durations)} utterances, {hours:.2f} h; what may help:\n- "
        + "\n- ".join(remedies)
    )
