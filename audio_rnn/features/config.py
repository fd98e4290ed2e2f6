"""What a frame is. Saved with every model, so that training and use cannot drift apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from audio_rnn.config import require


@dataclass(frozen=True)
class FeatureConfig:
    """Frames of sound; the dialect implies mel scale, window, framing, log, DCT and liftering."""

    kind: Literal["mfcc", "log_mel"] = "mfcc"  # cepstra, or the log-mel spectrum itself
    dialect: Literal["torchaudio", "librosa", "kaldi", "sphinx"] = "torchaudio"  # whose values
    sample_rate: int = 16000  # of the waveforms, in Hz
    window_ms: float = 25.0  # length of the analysis window, in milliseconds
    hop_ms: float = 10.0  # from one frame to the next, in milliseconds
    n_fft: int | None = None  # samples; None: the window, for kaldi and sphinx a power of 2
    n_mels: int = 40  # mel filters
    n_mfcc: int = 13  # cepstra kept, the zeroth included (only kind mfcc)
    f_min: float = 20.0  # lower edge of the lowest mel filter, in Hz
    f_max: float | None = None  # upper edge of the highest, in Hz; None: half the sample rate
    flatness_ms: float | None = None  # window in which each band's flatness is found; None: none is
    top_db: float | None = None  # floor below the file's loudest band, in dB; None when streaming
    deltas: Literal[0, 1, 2] = 2  # orders of time derivatives appended to every frame
    normalization: Literal["none", "utterance", "global", "sliding"] = "utterance"  # over what
    sliding_seconds: float = 3.0  # of past that normalization "sliding" looks at

    def __post_init__(self) -> None:
        """Raises ConfigError for a combination that no frame can have."""
        for name in ("sample_rate", "window_ms", "hop_ms", "n_mels", "n_mfcc", "sliding_seconds"):
            value = getattr(self, name)
            fits = 0 < value < math.inf
            require(fits, name, value, "a number above 0", "give one, or leave it out")
        require(self.hop_length > 0, "hop_ms", self.hop_ms, "one sample at least", "raise it")
        require(
            self.hop_length <= self.window_length,
            "hop_ms",
            self.hop_ms,
            f"at most window_ms, {self.window_ms}",
            "a longer hop would skip sound; lower it",
        )
        self._check_frequencies()
        self._check_sizes()

    def _check_frequencies(self) -> None:
        nyquist = self.sample_rate / 2
        require(
            0 < self.highest_frequency <= nyquist,
            "f_max",
            self.f_max,
            f"at most half the sample rate, {nyquist:g} Hz",
            "lower it, or give null for half the sample rate",
        )
        require(
            0 <= self.f_min < self.highest_frequency,
            "f_min",
            self.f_min,
            f"from 0 to below f_max, {self.highest_frequency:g} Hz",
            "lower f_min or raise f_max",
        )

    def _check_sizes(self) -> None:
        require(
            self.fft_length >= self.window_length,
            "n_fft",
            self.n_fft,
            f"at least the window, {self.window_length} samples",
            "raise it, or give null",
        )
        require(
            self.kind == "log_mel" or self.n_mfcc <= self.n_mels,
            "n_mfcc",
            self.n_mfcc,
            f"at most n_mels, {self.n_mels}",
            "lower n_mfcc or raise n_mels",
        )
        require(
            self.top_db is None or self.top_db > 0,
            "top_db",
            self.top_db,
            "a number above 0, in dB",
            "80 is usual; null for no floor",
        )
        self._check_flatness()

    def _check_flatness(self) -> None:
        if self.flatness_ms is None:
            return
        fits = self.kind == "log_mel" and self.dialect in ("torchaudio", "librosa")
        found = f"{self.flatness_ms:g} with kind {self.kind}, dialect {self.dialect}"
        what = "null, but for kind log_mel in the dialect torchaudio or librosa"
        require(fits, "flatness_ms", found, what)
        require(
            self.window_ms <= self.flatness_ms < math.inf,
            "flatness_ms",
            self.flatness_ms,
            f"at least window_ms, {self.window_ms:g}",
            "100 is usual: long windows tell tones from noise",
        )

    @property
    def window_length(self) -> int:
        """Samples in one window."""
        return round(self.window_ms * self.sample_rate / 1000)

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop_ms * self.sample_rate / 1000)

    @property
    def fft_length(self) -> int:
        """Points of the Fourier transform."""
        if self.n_fft is not None:
            return self.n_fft
        if self.dialect in ("kaldi", "sphinx"):
            return 1 << (self.window_length - 1).bit_length()
        return self.window_length

    @property
    def highest_frequency(self) -> float:
        """Upper edge of the highest mel filter, in Hz."""
        return self.sample_rate / 2 if self.f_max is None else self.f_max

    @property
    def flatness_length(self) -> int:
        """Samples in the window of flatness, or 0."""
        return round((self.flatness_ms or 0.0) * self.sample_rate / 1000)

    @property
    def n_bands(self) -> int:
        """Cepstra, or mel bands, in one frame."""
        return self.n_mfcc if self.kind == "mfcc" else self.n_mels

    @property
    def planes(self) -> int:
        """Values of each band: its level, and its flatness."""
        return 1 if self.flatness_ms is None else 2

    @property
    def n_static(self) -> int:
        """Values in one frame before deltas."""
        return self.n_bands * self.planes
