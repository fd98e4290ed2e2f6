"""The mel axis as cepstra know it: a sum of cosines, which can be evaluated anywhere.

Cepstra keep the first cosines of a log-mel spectrum, whatever the dialect's scaling; so noise,
masks and warps of frequencies act on cepstra as well as on log-mel frames.
"""

from __future__ import annotations

import math

import librosa
import numpy as np
import torch
from torch import Tensor, nn

from audio_rnn.device import sent
from audio_rnn.features import FeatureConfig
from audio_rnn.features.dialects import cepstral_basis, decibels

STRAIGHT_SHARE = 0.85  # of the frequencies, which a warp scales; the rest bends to meet the end


class MelAxis(nn.Module):
    """Static frames <-> smooth log-mel power (natural logarithm), and warps of its frequencies.

    A round trip gives the same frames. Where frames tell the flatness of bands too, mel has the
    geometric mean of the power in each band behind the arithmetic: both add up as sounds do, the second
    about so.
    """

    basis: Tensor
    to_cosines: Tensor
    to_mel: Tensor
    to_frames: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        basis = cepstral_basis(config) if config.kind == "mfcc" else torch.eye(config.n_mels)
        basis = basis.double()
        cosines = self._cosines(torch.arange(config.n_mels, dtype=torch.float64))
        to_cosines = torch.linalg.inv(cosines.T @ basis)
        planes = torch.ones(config.planes, config.planes, dtype=torch.float64).triu()
        natural = decibels(config) * math.log(10) / 10  # natural logarithm of one unit of a frame
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("to_cosines", to_cosines, persistent=False)
        to_mel = torch.kron(planes, natural * to_cosines @ cosines.T)
        to_frames = torch.kron(torch.linalg.inv(planes).contiguous(), basis / natural)
        self.register_buffer("to_mel", to_mel.float(), persistent=False)
        self.register_buffer("to_frames", to_frames.float(), persistent=False)

    def warp(self, frames: Tensor, factors: Tensor) -> Tensor:
        """Frames (batch, frames, n_static) with all frequencies multiplied by factors (batch,), which
        are on the CPU.

        A linear transform of each frame: Pitz and Ney, "Vocal tract normalization equals linear
        transformation in cepstral space", 2005; a factor above 1 is a shorter vocal tract.
        """
        cosines = self._cosines(sent(self._sources(factors.double()), frames.device))
        matrices = self.to_cosines @ cosines.transpose(1, 2) @ self.basis
        planes = frames.reshape(len(frames), -1, self.config.n_bands)
        return (planes @ matrices.to(frames)).reshape(frames.shape)

    def _cosines(self, bands: Tensor) -> Tensor:
        """The cosines under the frames at places on the mel axis: (..., n_mels, n_bands)."""
        orders = torch.arange(self.config.n_bands, dtype=torch.float64, device=bands.device)
        return torch.cos(math.pi / self.config.n_mels * (bands + 0.5).unsqueeze(-1) * orders)

    def _sources(self, factors: Tensor) -> Tensor:
        """Which place on the mel axis each band takes its value from: (batch, n_mels)."""
        config, htk = self.config, self.config.dialect != "librosa"
        low, high = librosa.hz_to_mel([config.f_min, config.highest_frequency], htk=htk)
        step = (high - low) / (config.n_mels + 1)
        hertz = librosa.mel_to_hz(low + step * np.arange(1, config.n_mels + 1), htk=htk)
        warped = _piecewise(torch.from_numpy(hertz), factors, config.highest_frequency)
        bands = (torch.from_numpy(librosa.hz_to_mel(warped.numpy(), htk=htk)) - low) / step - 1
        return bands.clamp(-0.5, config.n_mels - 0.5).to(factors)


def _piecewise(hertz: Tensor, factors: Tensor, highest: float) -> Tensor:
    """Frequencies divided by the factors, bent at the top so that the highest stays: (batch, n)."""
    slopes = 1 / factors[:, None]
    knots = STRAIGHT_SHARE * highest / slopes.clamp(min=1)
    beyond = (highest - slopes * knots) / (highest - knots)
    return torch.where(hertz < knots, slopes * hertz, highest - beyond * (highest - hertz))
