"""A speech model as it is saved and used: features, acoustic network and vocabulary together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audio_rnn.config import from_dict, to_dict
from audio_rnn.errors import ConfigError, ModelError, VocabularyError
from audio_rnn.features import FeatureConfig, Features
from audio_rnn.models.acoustic import AcousticConfig, AcousticModel
from audio_rnn.models.folder import ModelFolder, load_weights, read_model
from audio_rnn.vocabulary import Vocabulary

KIND = "speech"


@dataclass(frozen=True)
class SpeechConfig:
    """What a speech model is made of."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    acoustic: AcousticConfig = field(default_factory=AcousticConfig)


class SpeechModel(nn.Module):
    """Waveforms or static feature frames -> log-probabilities of the vocabulary's symbols."""

    def __init__(self, config: SpeechConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.features = Features(config.features)
        self.acoustic = AcousticModel(config.acoustic, self.features.dim, len(vocabulary))

    @property
    def step_seconds(self) -> float:
        """Seconds from one output step to the next."""
        return self.features.hop_seconds * self.config.acoustic.stride

    @property
    def step_samples(self) -> int:
        """Samples from one output step to the next."""
        return self.config.features.hop_length * self.config.acoustic.stride

    @property
    def delay(self) -> int:
        """Samples that a step of a stream waits for when its own sound is over."""
        return self.features.delay + self.acoustic.delay * self.config.features.hop_length

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.acoustic.output.weight.device

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of a padded batch, the same for every padding.

        Args:
            inputs: waveforms (batch, samples) or static frames (batch, frames, coefficients).
            lengths: (batch,) valid samples or frames.

        Returns:
            log_probs (batch, steps, symbols) and step lengths (batch,).
        """
        return self.acoustic(*self.features(inputs, lengths))

    def describe(self) -> dict[str, Any]:
        """All that is needed to build this model again, as JSON values."""
        vocabulary = {"unit": self.vocabulary.unit, "symbols": list(self.vocabulary.symbols)}
        return {"kind": KIND, "config": to_dict(self.config), "vocabulary": vocabulary}

    @classmethod
    def load(cls, folder: str | Path) -> SpeechModel:
        """The model in a run folder or model folder, ready for use. Raises ModelError."""
        folder = Path(folder)
        saved = read_model(folder, KIND)
        model = _build(saved, folder)
        load_weights(model, saved.weights, folder)
        return model.eval()


def _build(saved: ModelFolder, folder: Path) -> SpeechModel:
    try:
        vocabulary = saved.description["vocabulary"]
        config = from_dict(SpeechConfig, saved.description["config"])
        return SpeechModel(config, Vocabulary(tuple(vocabulary["symbols"]), vocabulary["unit"]))
    except (ConfigError, VocabularyError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}: broken description: {error}; copy the whole folder again"
        ) from error
