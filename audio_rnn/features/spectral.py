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
from audio_rnn.features.flatness import Flatness
from audio_rnn.features.products import product
from audio_rnn.features.temporal import valid_frames

FRAMES_PER_BLOCK = 1000  # what keeps the intermediate arrays in the processor's cache
FRAMES_OF_FLATNESS = 320  # the same for its longer windows


class LogMel(nn.Module):
    """Waveforms to log-mel frames; padding never reaches a valid frame.

    With `flatness_ms` the flatness of each band stands behind the levels of all.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.hop_length, self.fft_length = config.hop_length, config.fft_length
        self.emphasised = config.dialect in ("kaldi", "sphinx")
        longest = max(config.fft_length, config.flatness_length)
        self.left = 1 if self.emphasised else longest // 2
        self.right = longest if self.emphasised else longest // 2
        self.span = longest + int(self.emphasised)  # padded samples under one frame
        self.levels = _middle(longest, config.fft_length)  # of them, what is transformed
        self.inside = _middle(longest, config.flatness_length)  # what flatness hears
        room = longest - max(config.window_length, config.flatness_length)
        self.unused = room - (0 if self.emphasised else room // 2)  # zeros that end the window
        self.flatness = Flatness(config) if config.flatness_length else None
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
            return waveforms.new_zeros(len(waveforms), 0, self.width), frame_lengths
        frames = self.spectrum(self._pad(waveforms, sent(lengths, waveforms.device)), count)
        mask = valid_frames(sent(frame_lengths, frames.device), count).unsqueeze(-1)
        if self.config.top_db is not None:
            levels = frames[..., : self.config.n_mels].masked_fill(~mask, -torch.inf)
            frames = self.floor(frames, levels.amax((1, 2), keepdim=True))
        return frames.masked_fill(~mask, 0), frame_lengths

    @property
    def width(self) -> int:
        """Values in a frame."""
        return self.config.n_mels * self.config.planes

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
        """The first `count` frames of padded signals (batch, samples): (batch, count, width)."""
        most = FRAMES_PER_BLOCK if self.flatness is None else FRAMES_OF_FLATNESS
        block = max(1, most // len(padded)) if padded.device.type == "cpu" else count
        starts = range(0, count, max(1, block))
        pieces = [self._block(padded, start, min(block, count - start)) for start in starts]
        return torch.cat(pieces, 1) if pieces else padded.new_zeros(len(padded), 0, self.width)

    def floor(self, frames: Tensor, loudest: Tensor) -> Tensor:
        """Log-mel frames raised to `top_db` under the loudest band of their utterance."""
        assert self.config.top_db is not None
        lowest = loudest - self.config.top_db / decibels(self.config)
        levels, flatness = frames.tensor_split((self.config.n_mels,), -1)
        return torch.cat([levels.maximum(lowest), flatness], -1)

    def _block(self, padded: Tensor, start: int, count: int) -> Tensor:
        first = start * self.hop_length
        samples = padded[:, first : first + (count - 1) * self.hop_length + self.span]
        power = torch.view_as_real(torch.fft.rfft(self._windowed(samples))).flatten(-2).square_()
        levels = log_compress(product(power, self.filters), self.config)
        if self.flatness is None:
            return levels
        frames = samples.unfold(-1, self.span, self.hop_length)[..., self.inside]
        return torch.cat([levels, self.flatness(frames)], -1)

    def _windowed(self, samples: Tensor) -> Tensor:
        """Padded samples -> (batch, frames, fft_length), ready for the Fourier transform."""
        if not self.emphasised:
            frames = samples.unfold(-1, self.span, self.hop_length)
            return frames[..., self.levels] * self.window
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


def _middle(span: int, length: int) -> slice:
    """So many samples around the middle of a span."""
    start = span // 2 - length // 2
    return slice(start, start + length)


def _reflected(waveforms: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
    """Samples at places outside a signal, mirrored at its first and last as often as need be."""
    period = (2 * (lengths[:, None] - 1)).clamp(min=1)
    places = places % period
    return waveforms.gather(1, torch.minimum(places, (period - places)))
