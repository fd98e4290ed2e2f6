"""Waveforms to log-mel spectra and cepstra, whole or block by block."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audio_rnn.device import sent
from audio_rnn.features.config import FeatureConfig
from audio_rnn.features.dialects import (
    PREEMPHASIS,
    analysis_window,
    cepstral_basis,
    decibels,
    log_compress,
    mel_filters,
)
from audio_rnn.features.temporal import valid_frames

FRAMES_PER_BLOCK = 1000  # what keeps the intermediate arrays in the processor's cache
LEAST_ROWS = 16  # matrix libraries have other code for fewer, which rounds otherwise


class LogMel(nn.Module):
    """Waveforms to log-mel frames; padding never reaches a valid frame."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.hop_length, self.fft_length = config.hop_length, config.fft_length
        self.emphasised = config.dialect in ("kaldi", "sphinx")
        self.left = 1 if self.emphasised else config.fft_length // 2
        self.right = config.fft_length if self.emphasised else config.fft_length // 2
        self.span = config.fft_length + int(self.emphasised)  # padded samples under one frame
        room = config.fft_length - config.window_length
        self.unused = room - (0 if self.emphasised else room // 2)  # zeros that end the window
        self.register_buffer("window", analysis_window(config), persistent=False)
        # The squares of real and imaginary parts lie side by side; the matrix product adds them.
        filters = mel_filters(config).repeat_interleave(2, dim=0)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples), lengths (batch,) -> (batch, frames, n_mels), frame lengths (batch,).

        The unit is dB (torchaudio, librosa) or the natural logarithm of power (kaldi, sphinx).
        """
        frame_lengths = self.frame_counts(lengths)
        count = int(frame_lengths.max()) if len(lengths) else 0
        if not count:
            return waveforms.new_zeros(len(waveforms), 0, self.config.n_mels), frame_lengths
        frames = self.spectrum(self._pad(waveforms, sent(lengths, waveforms.device)), count)
        mask = valid_frames(sent(frame_lengths, frames.device), count).unsqueeze(-1)
        if self.config.top_db is not None:
            loudest = frames.masked_fill(~mask, -torch.inf).amax((1, 2), keepdim=True)
            frames = self.floor(frames, loudest)
        return frames.masked_fill(~mask, 0), frame_lengths

    def frame_counts(self, samples: Tensor) -> Tensor:
        """Frames of signals of so many samples; only an empty signal has none."""
        if not self.emphasised:
            counts = 1 + samples // self.hop_length
        else:
            whole = (samples - self.config.window_length).div(
                self.hop_length, rounding_mode="floor"
            )
            counts = (whole + (2 if self.config.dialect == "sphinx" else 1)).clamp(min=1)
        return counts.where(samples > 0, 0)

    def spectrum(self, padded: Tensor, count: int) -> Tensor:
        """The first `count` frames of padded signals (batch, samples): (batch, count, n_mels)."""
        block = max(1, FRAMES_PER_BLOCK // len(padded)) if padded.device.type == "cpu" else count
        starts = range(0, count, max(1, block))
        pieces = [self._block(padded, start, min(block, count - start)) for start in starts]
        return (
            torch.cat(pieces, 1) if pieces else padded.new_zeros(len(padded), 0, self.config.n_mels)
        )

    def floor(self, frames: Tensor, loudest: Tensor) -> Tensor:
        """Log-mel frames raised to `top_db` under the loudest band of their utterance."""
        assert self.config.top_db is not None
        return frames.maximum(loudest - self.config.top_db / decibels(self.config))

    def _block(self, padded: Tensor, start: int, count: int) -> Tensor:
        first = start * self.hop_length
        samples = padded[:, first : first + (count - 1) * self.hop_length + self.span]
        power = torch.view_as_real(torch.fft.rfft(self._windowed(samples))).flatten(-2).square_()
        return log_compress(product(power, self.filters), self.config)

    def _windowed(self, samples: Tensor) -> Tensor:
        """Padded samples -> (batch, frames, fft_length), ready for the Fourier transform."""
        if not self.emphasised:
            return samples.unfold(-1, self.fft_length, self.hop_length) * self.window
        emphasised = samples[:, 1:] - PREEMPHASIS * samples[:, :-1]
        frames = emphasised.unfold(-1, self.fft_length, self.hop_length)
        if self.config.dialect == "sphinx":
            return frames * self.window
        # Kaldi subtracts the window's mean before pre-emphasis, which scales it by 1 - 0.97. Its
        # first sample is emphasised otherwise, but there the Povey window is zero.
        raw = samples[:, 1:].unfold(-1, self.fft_length, self.hop_length)
        mean = raw[..., : self.config.window_length].mean(-1, keepdim=True)
        return (frames - (1 - PREEMPHASIS) * mean) * self.window

    def _pad(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """Every signal with the dialect's edges at its own two ends."""
        inside = valid_frames(lengths, waveforms.shape[1])
        silent = waveforms.new_zeros(len(waveforms), self.right)
        padded = torch.cat([self.start_of(waveforms, lengths), waveforms * inside, silent], 1)
        steps = torch.arange(self.right, device=lengths.device)
        places = self.left + lengths[:, None] + steps
        return padded.scatter(1, places, self.end_of(waveforms, lengths))

    def start_of(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """What the dialect puts before signals: (batch, left)."""
        if self.config.dialect != "torchaudio":
            return waveforms.new_zeros(len(waveforms), self.left)
        places = torch.arange(-self.left, 0, device=lengths.device)
        return _reflected(waveforms, places.expand(len(lengths), -1), lengths)

    def end_of(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """What the dialect puts behind signals: (batch, right)."""
        steps = torch.arange(self.right, device=lengths.device)
        if self.config.dialect == "torchaudio":
            return _reflected(waveforms, lengths[:, None] + steps, lengths)
        if self.config.dialect == "sphinx":  # decays so that pre-emphasis makes zeros of it
            last = waveforms.gather(1, (lengths[:, None] - 1).clamp(min=0))
            return last * PREEMPHASIS ** (steps + 1)
        return waveforms.new_zeros(len(waveforms), self.right)


class Mfcc(nn.Module):
    """Waveforms to mel-frequency cepstra: the cosine transform of `LogMel`."""

    basis: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.log_mel = LogMel(config)
        self.register_buffer("basis", cepstral_basis(config), persistent=False)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples), lengths (batch,) -> (batch, frames, n_mfcc), frame lengths (batch,)."""
        frames, frame_lengths = self.log_mel(waveforms, lengths)
        return product(frames, self.basis), frame_lengths


def product(frames: Tensor, weights: Tensor) -> Tensor:
    """frames (..., n) @ weights, rounded alike for any number of frames.

    In a stream a frame meets few others. Normalisation makes rounding audible where sound is
    constant, such as in digital silence.
    """
    missing = max(0, LEAST_ROWS - frames.shape[-2])
    if not missing:
        return frames @ weights
    return (nn.functional.pad(frames, (0, 0, 0, missing)) @ weights)[..., :-missing, :]


def _reflected(waveforms: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
    """Samples at places outside a signal, mirrored at its first and last as often as need be."""
    period = (2 * (lengths[:, None] - 1)).clamp(min=1)
    places = places % period
    return waveforms.gather(1, torch.minimum(places, (period - places)))
