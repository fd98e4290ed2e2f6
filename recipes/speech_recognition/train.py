"""Train a speech recogniser on prepared manifests.

python -m recipes.speech_recognition.train --config conf/speech_recognition/an4.yaml
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch

from audio_rnn.augment import AugmentConfig
from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.distributed import Process, stop
from audio_rnn.engine.run_folder import describe_run
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import ManifestError, VocabularyError
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.tasks.recognition import Recognition, too_short
from audio_rnn.vocabulary import Vocabulary
from recipes.same_run import keep_digest, keep_vocabulary


@dataclass(frozen=True)
class RecipeConfig:
    """One training of a speech recogniser."""

    data: Path = Path("data/default")  # folder with train.jsonl, valid.jsonl and vocabulary.txt
    run_dir: Path = Path("runs/speech_recognition")  # folder that the training writes to
    model: SpeechConfig = field(default_factory=SpeechConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    try:
        _train(config)
    finally:
        stop()


def _train(config: RecipeConfig) -> None:
    torch.manual_seed(config.training.seed)
    vocabulary = Vocabulary.load(config.data / "vocabulary.txt")
    model = SpeechModel(config.model, vocabulary)
    trainer = Trainer(Recognition(model, config.augment), config.training, config.run_dir)
    batches = load_train(config, model, trainer.process)
    valid = load_valid(config, model, trainer.process)
    if trainer.process.first:
        describe_run(config.run_dir, config)
        keep_vocabulary(config.run_dir / "vocabulary.txt", vocabulary)
        keep_digest(config.run_dir / "train.sha256", config.data / "train.jsonl")
        report(model, batches)
    if config.model.features.normalization == "global" and not trainer.begun:
        # Every process goes through all data in the same order, and so finds the same values.
        every = Batches(batches.dataset, config.batches)
        moved = (batch.to(trainer.process.device) for batch in every.epoch(0))
        model.features.fit((batch.inputs, batch.lengths) for batch in moved)
    trainer.fit(batches, valid)


def load_train(config: RecipeConfig, model: SpeechModel, process: Process) -> Batches:
    """Training batches, without utterances that CTC cannot align, which are named."""
    path = config.data / "train.jsonl"
    utterances, targets, short = load_split(path, model)
    if short and process.first:
        _warn_of_short(path, short, len(utterances), "left out")
    kept = [i for i, utterance in enumerate(utterances) if utterance.id not in short]
    if not kept:
        raise ManifestError(
            f"{path}: no utterance is long enough for its text; check texts, lower acoustic.stride"
        )
    dataset = SpeechDataset(
        config.data,
        [utterances[i] for i in kept],
        [targets[i] for i in kept],
        config.model.features.sample_rate,
    )
    seed = config.training.seed
    return Batches(dataset, config.batches, seed, process.rank, process.world)


def load_valid(config: RecipeConfig, model: SpeechModel, process: Process) -> Batches:
    """All utterances for validation, which one process does; those too short count as errors."""
    path = config.data / "valid.jsonl"
    if not path.exists():
        raise ManifestError(
            f"{path}: missing, expected utterances to choose the best model by; "
            "prepare the data with a validation share above 0"
        )
    utterances, targets, short = load_split(path, model)
    if short and process.first:
        _warn_of_short(path, short, len(utterances), "cannot be right")
    rate = config.model.features.sample_rate
    return Batches(SpeechDataset(config.data, utterances, targets, rate), config.batches)


def load_split(path: Path, model: SpeechModel) -> tuple[list[Utterance], list[list[int]], set[str]]:
    """Utterances, their symbol ids, and the ids of those that CTC cannot align."""
    utterances = read_manifest(path)
    targets = [encode(model.vocabulary, utterance, path) for utterance in utterances]
    return utterances, targets, set(too_short(model, utterances, targets))


def _warn_of_short(path: Path, short: set[str], count: int, what: str) -> None:
    logging.warning(
        "%s: %d of %d utterances %s, since they are shorter than their text needs: %s",
        path, len(short), count, what, ", ".join(sorted(short)),
    )  # fmt: skip


def encode(vocabulary: Vocabulary, utterance: Utterance, path: Path) -> list[int]:
    """Symbol ids of an utterance's text. Raises ManifestError, VocabularyError."""
    if not (utterance.text or "").strip():
        raise ManifestError(
            f"{path}: utterance {utterance.id!r} has no text; expected a transcript"
        )
    try:
        return vocabulary.encode(utterance.text or "")
    except VocabularyError as error:
        raise VocabularyError(f"{path}: utterance {utterance.id!r}: {error}") from None


def report(model: SpeechModel, batches: Batches) -> None:
    """Say what is about to be trained on what."""
    hours = batches.durations.sum() / 3600
    parameters = sum(p.numel() for p in model.parameters())
    print(
        f"{len(batches.durations)} utterances, {hours:.2f} h, {batches.steps(1)} batches, "
        f"{batches.padding(1):.1%} padding; {parameters / 1e6:.2f} M parameters",
        file=sys.stderr,
    )


def main() -> None:
    """Command line."""
    train(from_command_line(RecipeConfig, __doc__ or ""))


if __name__ == "__main__":
    run_command(main)
