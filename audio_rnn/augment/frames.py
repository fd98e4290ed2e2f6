"""Changes of frames: before deltas (`FrameAugment`) and after normalisation (`FrameMask`)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from audio_rnn.augment.config import FrameAugmentConfig, FrameMaskConfig
from audio_rnn.augment.draw import chosen, normal, uniform
from audio_rnn.augment.mel_axis import MelAxis
from audio_rnn.device import sent
from audio_rnn.features import FeatureConfig, valid_frames

SHAPE_COSINES = 5  # of a random noise spectrum
SHAPE_DEVIATION = 1.0  # of each of them, in natural logarithms of power: about 4 dB
RIPPLE_DEVIATION = 0.7  # of stationary noise from frame to frame: about 3 dB


class FrameAugment(nn.Module):
    """Vocal tract length, noise, frequency masks and time stretch on static frames.

    Frequencies are reached through the cosines of the cepstra, so MFCC are as welcome as log-mel.
    """

    def __init__(self, config: FrameAugmentConfig, features: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.mel_axis = MelAxis(features)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, frames, n_static), lengths (batch,) -> the same, perhaps with other lengths.

        Zeros past every length; only in training mode.
        """
        if not self.training or not frames.numel():
            return frames, lengths
        mask = valid_frames(sent(lengths, frames.device), frames.shape[1]).unsqueeze(-1)
        with torch.autocast(frames.device.type, enabled=False):
            frames = self._other_spectrum(frames, mask).masked_fill(~mask, 0)
        if self.config.stretch_probability > 0:
            return self._stretched(frames, lengths)
        return frames, lengths

    def _other_spectrum(self, frames: Tensor, mask: Tensor) -> Tensor:
        if self.config.warp_probability > 0:
            frames = self._warped(frames)
        if self.config.noise_probability > 0:
            frames = self._noisy(frames, mask)
        for _ in range(self.config.frequency_masks):
            frames = self._masked(frames, mask)
        return frames

    def _warped(self, frames: Tensor) -> Tensor:
        which = chosen(self.config.warp_probability, frames)
        factors = uniform(*self.config.warp, torch.empty(len(frames)))  # read on the CPU
        return torch.where(which[:, None, None], self.mel_axis.warp(frames, factors), frames)

    def _noisy(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Speech and noise powers add: Gales and Young, "Robust continuous speech recognition
        using parallel model combination", 1996, with noise of a random smooth spectrum."""
        which = chosen(self.config.noise_probability, frames)
        snr_db = uniform(*self.config.noise_snr_db, frames)[:, None, None]
        mel = frames @ self.mel_axis.to_mel
        noise = _noise_spectrum(mel)
        difference = _level(mel, mask) - _level(noise, mask) - snr_db * math.log(10) / 10
        mixed = torch.logaddexp(mel, noise + difference) @ self.mel_axis.to_frames
        return torch.where(which[:, None, None], mixed, frames)

    def _masked(self, frames: Tensor, mask: Tensor) -> Tensor:
        """A band of mel frequencies held at its mean over time (SpecAugment, Park 2019)."""
        mel = frames @ self.mel_axis.to_mel
        widths = uniform(0, min(self.config.frequency_mask_bands, mel.shape[2]) + 1, frames).floor()
        starts = (uniform(0, 1, frames) * (mel.shape[2] - widths + 1)).floor()
        bands = torch.arange(mel.shape[2], device=mel.device) - starts[:, None]
        inside = ((bands >= 0) & (bands < widths[:, None])).unsqueeze(1)
        mean = mel.masked_fill(~mask, 0).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(1)
        return frames + ((mean - mel) * inside) @ self.mel_axis.to_frames

    def _stretched(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        factors = uniform(1 - self.config.stretch, 1 + self.config.stretch, lengths)
        which = chosen(self.config.stretch_probability, lengths)
        wanted = (lengths * factors).round().long().clamp(min=1).where(lengths > 0, 0)
        return stretch(frames, lengths, wanted.where(which, lengths))


class FrameMask(nn.Module):
    """Time masks of SpecAugment on finished frames, whose mean is zero (Park et al., 2019)."""

    def __init__(self, config: FrameMaskConfig, hop_seconds: float) -> None:
        super().__init__()
        self.config = config
        self.longest = config.time_mask_seconds / hop_seconds

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, frames, dim), lengths (batch,) -> the same shapes; only in training mode."""
        if not self.training:
            return frames, lengths
        there = sent(lengths, frames.device)
        times = torch.arange(frames.shape[1], device=frames.device)
        for _ in range(self.config.time_masks):
            longest = (there * self.config.time_mask_share).clamp(max=self.longest).floor()
            widths = (uniform(0, 1, frames) * (longest + 1)).floor()[:, None]
            starts = (uniform(0, 1, frames)[:, None] * (there[:, None] - widths + 1)).floor()
            inside = (times >= starts) & (times < starts + widths)
            frames = frames.masked_fill(inside.unsqueeze(-1), 0)
        return frames, lengths


def stretch(frames: Tensor, lengths: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Utterances of `lengths` frames, linearly interpolated to the `wanted` numbers of frames."""
    times = torch.arange(int(wanted.max()), device=frames.device)
    given, new = sent(lengths, frames.device), sent(wanted, frames.device)
    ratio = given / new.clamp(min=1)
    last = (given - 1).clamp(min=0)[:, None]
    places = ((times + 0.5) * ratio[:, None] - 0.5).clamp(min=0).minimum(last)
    before = places.floor().long()
    weight = (places - before).unsqueeze(-1).to(frames)
    blended = torch.lerp(_at(frames, before), _at(frames, (before + 1).minimum(last)), weight)
    return blended.masked_fill(~valid_frames(new, len(times)).unsqueeze(-1), 0), wanted


def _at(frames: Tensor, places: Tensor) -> Tensor:
    return frames.gather(1, places.unsqueeze(-1).expand(-1, -1, frames.shape[2]))


def _noise_spectrum(mel: Tensor) -> Tensor:
    """Log power of noise with a random smooth spectrum and a little ripple, shaped like `mel`."""
    bands = (torch.arange(mel.shape[2], device=mel.device) + 0.5) / mel.shape[2]
    orders = torch.arange(1, SHAPE_COSINES + 1, device=mel.device)[:, None]
    weights = SHAPE_DEVIATION * normal(mel[:, :1, :SHAPE_COSINES])
    return weights @ torch.cos(math.pi * orders * bands) + RIPPLE_DEVIATION * normal(mel)


def _level(mel: Tensor, mask: Tensor) -> Tensor:
    """Logarithm of the mean power over an utterance's valid frames and all bands: (batch, 1, 1)."""
    total = mel.masked_fill(~mask, -torch.inf).logsumexp((1, 2), keepdim=True)
    count = mel.shape[2] * mask.sum((1, 2), keepdim=True)
    return total - count.clamp(min=1).log()
