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
from audio_rnn.engine.distributed import stop
from audio_rnn.engine.run_folder import describe_run
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import ManifestError, TrainingError, VocabularyError
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.tasks.recognition import Recognition, too_short
from audio_rnn.vocabulary import Vocabulary


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
    torch.manual_seed(config.training.seed)
    vocabulary = Vocabulary.load(config.data / "vocabulary.txt")
    model = SpeechModel(config.model, vocabulary)
    trainer = Trainer(Recognition(model, config.augment), config.training, config.run_dir)
    batches = {
        split: load_split(config, model, split, trainer.process.rank, trainer.process.world)
        for split in ("train", "valid")
    }
    if trainer.process.first:
        describe_run(config.run_dir, config)
        keep_vocabulary(config.run_dir / "vocabulary.txt", vocabulary)
        report(model, batches["train"])
    if config.model.features.normalization == "global":
        every = Batches(batches["train"].dataset, config.batches)
        moved = (batch.to(trainer.process.device) for batch in every.epoch(0))
        model.features.fit((batch.inputs, batch.lengths) for batch in moved)
    trainer.fit(batches["train"], batches["valid"])
    stop()


def load_split(
    config: RecipeConfig, model: SpeechModel, split: str, rank: int, world: int
) -> Batches:
    """The batches of a split, without utterances that CTC cannot align, which are named."""
    path = config.data / f"{split}.jsonl"
    utterances = read_manifest(path)
    targets = [encode(model.vocabulary, utterance, path) for utterance in utterances]
    short = set(too_short(model, utterances, targets))
    if short:
        logging.warning(
            "%s: %d of %d utterances left out, since they are shorter than their text needs: %s",
            path, len(short), len(utterances), ", ".join(sorted(short)),
        )  # fmt: skip
    kept = [(u, t) for u, t in zip(utterances, targets) if u.id not in short]
    if not kept:
        raise ManifestError(
            f"{path}: no utterance is long enough for its text; check texts, lower acoustic.stride"
        )
    dataset = SpeechDataset(
        config.data, [u for u, _ in kept], [t for _, t in kept], config.model.features.sample_rate
    )
    if split == "valid":  # one process validates
        rank, world = 0, 1
    return Batches(dataset, config.batches, config.training.seed, rank, world)


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


def keep_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write the vocabulary of a new run. Raises: TrainingError when a run goes on with another."""
    if not path.exists():
        vocabulary.save(path)
    elif Vocabulary.load(path) != vocabulary:
        raise TrainingError(
            f"{path.parent}: holds a run with another vocabulary, of {len(Vocabulary.load(path))} "
            f"symbols, than that of the data, of {len(vocabulary)}; choose another run_dir, or "
            "delete the folder to start anew"
        )


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
