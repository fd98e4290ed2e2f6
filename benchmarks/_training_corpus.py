"""AN4's network in any size, and the corpus or noise that trainings are compared on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_rnn.audio import write_audio
from audio_rnn.augment import (
    AugmentConfig,
    FrameAugmentConfig,
    FrameMaskConfig,
    WaveformAugmentConfig,
)
from audio_rnn.data.dataset import Example, SpeechBatch, SpeechDataset, collate
from audio_rnn.data.manifest import Utterance
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import Cell, RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.vocabulary import Vocabulary
from recipes.speech_recognition.loading import load_split

FRAMES = 100  # a second
FRAME_UTTERANCES = 1000
LOUDNESS = 200 / 32768  # of noise whose FLAC takes as much as that of read speech, 70 MB an hour

# As in conf/speech_recognition/folder.yaml
AUGMENT = AugmentConfig(
    WaveformAugmentConfig(speed_probability=0.5, noise_probability=0.3, gain_probability=0.3),
    FrameAugmentConfig(warp_probability=0.5, stretch_probability=0.3),
    FrameMaskConfig(time_masks=2),
)


def make_model(cell: Cell, layers: int, hidden: int, data: Path | None = None) -> SpeechModel:
    """The network in the size that is asked for, for a prepared corpus or for noise."""
    vocabulary = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz'"])
    if data:
        vocabulary = Vocabulary.load(data / "vocabulary.txt")
    recurrent = RecurrentConfig(cell, hidden, layers, dropout=0.3)
    features = FeatureConfig(dialect="sphinx", normalization="utterance")
    config = SpeechConfig(features, AcousticConfig(recurrent=recurrent, dropout=0.3))
    return SpeechModel(config, vocabulary)


def read_corpus(data: Path, model: SpeechModel) -> SpeechDataset:
    """A prepared one, without what is too short for its text."""
    utterances, targets, short = load_split(data / "train.jsonl", model)
    fit = [i for i, utterance in enumerate(utterances) if utterance.id not in short]
    rate = model.config.features.sample_rate
    return SpeechDataset(data, [utterances[i] for i in fit], [targets[i] for i in fit], rate)


def write_sounds(folder: Path, model: SpeechModel, count: int) -> SpeechDataset:
    """Files of noise, and what is said in them."""
    rate, random = model.config.features.sample_rate, np.random.default_rng(0)
    utterances = write_noise(folder, count, rate)
    targets = [symbols(random, u.duration, len(model.vocabulary)) for u in utterances]
    return SpeechDataset(folder, utterances, targets, rate)


def write_noise(folder: Path, count: int, rate: int) -> list[Utterance]:
    """FLAC of the lengths of read speech: 1 to 35 seconds, 10 in the mean."""
    random, utterances = np.random.default_rng(0), []
    for n, seconds in enumerate(random.gamma(4.0, 2.5, count).clip(1, 35).round(2)):
        waveform = LOUDNESS * random.standard_normal(round(seconds * rate), np.float32)
        write_audio(folder / f"{n}.flac", waveform, rate)
        utterances.append(Utterance(f"u{n}", float(seconds), audio=f"{n}.flac", text="one two"))
    return utterances


class RandomSpeech:
    """Frames of noise in memory, utterances of 1 to 5 seconds."""

    def __init__(self, model: SpeechModel, count: int) -> None:
        random = np.random.default_rng(0)
        self.durations: NDArray[np.float64] = random.uniform(1, 5, count).round(2)
        shapes = [(round(d * FRAMES), model.features.n_static) for d in self.durations]
        self.examples = [
            Example(
                str(i),
                random.standard_normal(shape).astype(np.float32),
                symbols(random, d, len(model.vocabulary)),
                d,
            )
            for i, (shape, d) in enumerate(zip(shapes, self.durations))
        ]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Utterances as a padded batch."""
        return collate(examples)


def symbols(random: np.random.Generator, seconds: float, count: int) -> list[int]:
    """What is said in an utterance: ten symbols a second, any but the blank."""
    return random.integers(1, count, round(seconds * 10)).tolist()
