"""A model of sounds with random weights that hears lively things, for tests of what surrounds it."""

from __future__ import annotations

from pathlib import Path

import torch

from audio_rnn.classes import Classes
from audio_rnn.features import FeatureConfig
from audio_rnn.models.convolution import ConvolutionConfig
from audio_rnn.models.folder import write_model
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.sound import SoundConfig, SoundModel
from audio_rnn.models.tagger import TaggerConfig
from audio_rnn.models.texture import TextureConfig
from tests.small_model import RATE, sound

NAMES = ('dog, "big"', "door/knock", "mewing 猫", "rain", "a\ttab")


def small_tagger(bidirectional: bool = True, seed: int = 7, **config: object) -> SoundModel:
    """Five classes with difficult names, steps of 40 ms, normalised globally unless told else."""
    torch.manual_seed(seed)
    features = FeatureConfig(
        kind="log_mel", n_mels=16, hop_ms=20.0, deltas=0, normalization="global"
    )
    tagger = TaggerConfig(
        ConvolutionConfig((4, 4), (2, 1), (2, 2)),
        RecurrentConfig(cell="gru", hidden=12, layers=1, bidirectional=bidirectional),
        texture=TextureConfig(share=0.4, hidden=8),
    )
    given = {"features": features, "tagger": tagger, "labels": "several", **config}
    model = SoundModel(SoundConfig(**given), Classes(NAMES))
    waveform, length = torch.from_numpy(sound(5.0))[None], torch.tensor([5 * RATE])
    if model.features.config.normalization == "global":
        model.features.fit([(waveform, length)])
    with torch.no_grad():  # every class comes and goes
        scores = model.eval()(waveform, length).steps[0]
        scale, half = 2 / scores.std(0), len(NAMES)
        model.tagger.output.weight[:half] *= scale[:, None]
        model.tagger.output.bias[:half] = scale * (model.tagger.output.bias[:half] - scores.mean(0))
    return model.eval()


def save_small_tagger(folder: Path, model: SoundModel | None = None) -> Path:
    """Write a model into a run folder and return that."""
    model = model or small_tagger()
    write_model(folder / "model", model, model.describe())
    return folder
