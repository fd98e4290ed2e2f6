"""AN4's network in any size, and the corpus or noise that trainings are compared on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_rnn.data.dataset import Example, SpeechBatch, SpeechDataset, collate
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import Cell, RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.vocabulary import Vocabulary
from recipes.speech_recognition.loading import load_split

FRAMES = 100  # a second
UTTERANCES = 1000  # of noise


def make_model(cell: Cell, layers: int, hidden: int, data: Path | None = None) -> SpeechModel:
    """The network in the size that is asked for, for a prepared corpus or for noise."""
    vocabulary = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz'"])
    if data:
        vocabulary = Vocabulary.load(data / "vocabulary.txt")
    recurrent = RecurrentConfig(cell, hidden, layers, dropout=0.3)
    features = FeatureConfig(dialect="sphinx", normalization="utterance")
    config = SpeechConfig(features, AcousticConfig(recurrent=recurrent, dropout=0.3))
    return SpeechModel(config, vocabulary)


def make_dataset(data: Path | None, model: SpeechModel) -> SpeechDataset | RandomSpeech:
    """A corpus, or noise in its place."""
    if data is None:
        return RandomSpeech(UTTERANCES, model.features.n_static, len(model.vocabulary))
    utterances, targets, short = load_split(data / "train.jsonl", model)
    fit = [i for i, utterance in enumerate(utterances) if utterance.id not in short]
    rate = model.config.features.sample_rate
    return SpeechDataset(data, [utterances[i] for i in fit], [targets[i] for i in fit], rate)


class RandomSpeech:
    """Utterances of 1 to 5 seconds of noise, ten symbols a second."""

    def __init__(self, count: int, n_static: int, symbols: int) -> None:
        random = np.random.default_rng(0)
        self.durations: NDArray[np.float64] = random.uniform(1, 5, count).round(2)
        self.examples = [
            Example(
                str(i),
                random.standard_normal((round(d * FRAMES), n_static)).astype(np.float32),
                random.integers(1, symbols, round(d * 10)).tolist(),
                d,
            )
            for i, d in enumerate(self.durations)
        ]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Utterances as a padded batch."""
        return collate(examples)
