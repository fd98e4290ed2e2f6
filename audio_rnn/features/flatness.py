"""How flat the spectrum is inside each mel band: noise is, tones are not, and a level tells neither."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audio_rnn.errors import ConfigError
from audio_rnn.features.config import FeatureConfig
from audio_rnn.features.dialects import DECIBEL, SILENCE, mel_filters
from audio_rnn.features.products import product

LEAST_POINTS = 2  # of the transform in a band


class Flatness(nn.Module):
    """Windows of sound to the flatness of each band: its geometric over its arithmetic mean, in dB.

    0 for equal power everywhere, about -2.5 for noise, far below for tones; the same at any level.
    Johnston 1988, "Transform coding of audio signals using perceptual noise criteria"; by bands, MPEG-7.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        """Raises: ConfigError for bands narrower than the resolution."""
        super().__init__()
        window = torch.hann_window(config.flatness_length, dtype=torch.float64).float()
        filters = mel_filters(config, config.flatness_length)
        if ((filters > 0).sum(0) < LEAST_POINTS).any():
            raise ConfigError(
                f"flatness_ms: found {config.flatness_ms:g}, too short to see inside the narrowest of "
                f"{config.n_mels} bands; raise it, or lower n_mels"
            )
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", filters / filters.sum(0), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Samples (batch, frames, flatness_length) -> (batch, frames, n_mels)."""
        spectrum = torch.fft.rfft(frames * self.window)
        power = (spectrum.real.square() + spectrum.imag.square()).clamp_(min=SILENCE)
        arithmetic = product(power, self.filters).log_()
        return (product(power.log(), self.filters) - arithmetic).mul_(DECIBEL)
