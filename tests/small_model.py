"""A speech model with random weights that writes lively text, for tests of what surrounds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from audio_rnn.audio import write_audio
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.folder import write_model
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.vocabulary import Vocabulary

RATE = 16000


def small_model(**config: object) -> SpeechModel:
    """Two directions and normalisation by utterance unless `config` says otherwise."""
    torch.manual_seed(3)
    vocabulary = Vocabulary.from_texts(["abc def & \"<ghi>'"])
    network = {"acoustic": AcousticConfig(recurrent=RecurrentConfig(hidden=16, layers=2))}
    model = SpeechModel(SpeechConfig(**{**network, **config}), vocabulary)
    with torch.no_grad():
        model.acoustic.output.weight.mul_(20)  # sharp enough to leave the blank
    return model.eval()


def causal_model(normalization: str = "sliding") -> SpeechModel:
    """One direction and a lookahead of two steps."""
    network = RecurrentConfig(hidden=16, layers=2, bidirectional=False)
    model = small_model(
        features=FeatureConfig(normalization=normalization),
        acoustic=AcousticConfig(lookahead=2, recurrent=network),
    )
    if normalization == "global":
        model.features.fit([(torch.from_numpy(sound(5.0))[None], torch.tensor([5 * RATE]))])
    return model


def save_small_model(folder: Path, model: SpeechModel | None = None) -> Path:
    """Write a model into a run folder and return that."""
    model = model or small_model()
    write_model(folder / "model", model, model.describe())
    return folder


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """(samples,) noise whose colour and loudness wander."""
    random = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    slow = np.repeat(random.uniform(0.02, 1, samples // 1600 + 1), 1600)[:samples]
    noise = random.standard_normal(samples)
    mixed = slow * noise + (1 - slow) * np.cumsum(noise) / 50
    return (0.3 * mixed / np.abs(mixed).max()).astype(np.float32)


def write_sounds(folder: Path, *seconds: float, extension: str = ".wav") -> list[Path]:
    """One file for each length."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"sound{i}{extension}" for i in range(len(seconds))]
    for i, path in enumerate(paths):
        write_audio(path, sound(seconds[i], seed=i), RATE)
    return paths
