"""A model of sounds as it is saved and used: features, network and classes together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from audio_rnn.classes import Classes
from audio_rnn.config import from_dict, to_dict
from audio_rnn.errors import ConfigError, ModelError, VocabularyError
from audio_rnn.features import FeatureConfig, Features
from audio_rnn.models.folder import ModelFolder, load_weights, read_model
from audio_rnn.models.tagger import Scores, TaggerConfig, TaggerModel

KIND = "sound"
LOG_MEL = FeatureConfig(
    kind="log_mel", window_ms=40.0, hop_ms=20.0, n_mels=64, deltas=0, normalization="global"
)


@dataclass(frozen=True)
class SoundConfig:
    """What a model of sounds is made of."""

    features: FeatureConfig = LOG_MEL
    tagger: TaggerConfig = field(default_factory=TaggerConfig)
    labels: Literal["one", "several"] = "one"  # classes a clip: a softmax, or a sigmoid each


class SoundModel(nn.Module):
    """Waveforms or static feature frames -> scores of classes, of clips and of steps."""

    def __init__(self, config: SoundConfig, classes: Classes) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.features = Features(config.features)
        orders = 1 + config.features.deltas
        several = config.labels == "several"
        self.tagger = TaggerModel(
            config.tagger, self.features.n_static, orders, len(classes), several
        )

    @property
    def step_seconds(self) -> float:
        """Seconds from one step to the next."""
        return self.features.hop_seconds * self.tagger.front.stride

    @property
    def step_samples(self) -> int:
        """Samples from one step to the next."""
        return self.config.features.hop_length * self.tagger.front.stride

    @property
    def delay(self) -> int:
        """Samples that a step of a stream waits for when its own sound is over."""
        return self.features.delay + self.tagger.delay * self.config.features.hop_length

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.tagger.output.weight.device

    def forward(self, inputs: Tensor, lengths: Tensor) -> Scores:
        """Scores of a padded batch, the same for every padding.

        Args:
            inputs: waveforms (batch, samples) or static frames (batch, frames, coefficients).
            lengths: (batch,) valid samples or frames.
        """
        return self.tagger(*self.features(inputs, lengths))

    def probabilities(self, scores: Tensor) -> Tensor:
        """Log-odds (..., classes), of clips or steps -> probabilities (..., classes)."""
        return scores.softmax(-1) if self.config.labels == "one" else scores.sigmoid()

    def describe(self) -> dict[str, Any]:
        """All that is needed to build this model again, as JSON values."""
        return {"kind": KIND, "config": to_dict(self.config), "classes": list(self.classes.names)}

    @classmethod
    def load(cls, folder: str | Path) -> SoundModel:
        """The model in a run folder or model folder, ready for use. Raises ModelError."""
        folder = Path(folder)
        saved = read_model(folder, KIND)
        model = _build(saved, folder)
        load_weights(model, saved.weights, folder)
        return model.eval()


def _build(saved: ModelFolder, folder: Path) -> SoundModel:
    try:
        config = from_dict(SoundConfig, saved.description["config"])
        return SoundModel(config, Classes(tuple(saved.description["classes"])))
    except (ConfigError, VocabularyError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}: broken description: {error}; copy the whole folder again"
        ) from error
