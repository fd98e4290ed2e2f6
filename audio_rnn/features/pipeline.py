"""From waveforms, or frames made elsewhere, to what a network reads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from audio_rnn.errors import ConfigError
from audio_rnn.features.blocks import log_mel_blocks
from audio_rnn.features.config import FeatureConfig
from audio_rnn.features.spectral import LogMel, Mfcc
from audio_rnn.features.temporal import Deltas, Normalizer


class Features(nn.Module):
    """`static` frames of sound, then `finish`: deltas and normalisation. Differentiable."""

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.n_static = config.n_static  # values in a static frame
        self.dim = config.n_static * (1 + config.deltas)  # values in a finished frame
        self.hop_seconds = config.hop_length / config.sample_rate  # from frame to frame
        self.spectral = Mfcc(config) if config.kind == "mfcc" else LogMel(config)
        self.deltas = Deltas(config.deltas)
        window = max(1, round(config.sliding_seconds / self.hop_seconds))
        self.normalizer = Normalizer(config.normalization, self.dim, window)

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (batch, samples) or static frames (batch, frames, n_static), with lengths,
        -> (batch, frames, dim) and frame lengths (batch,).

        Raises: ConfigError when static frames have another size than the config's.
        """
        if inputs.ndim == 2:
            inputs, lengths = self.static(inputs, lengths)
        return self.finish(inputs, lengths)

    def static(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples), lengths (batch,) -> (batch, frames, n_static), frame lengths.

        In full precision, also under autocast: bfloat16 would lose what is quiet.
        """
        with torch.autocast(waveforms.device.type, enabled=False):
            return self.spectral(waveforms, lengths)

    def finish(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Static frames -> (batch, frames, dim), frame lengths; zeros past every length."""
        frames, lengths = self._with_deltas(frames, lengths)
        return self.normalizer(frames, lengths), lengths

    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure the statistics of normalization "global" from (inputs, lengths) of training."""
        self.normalizer.fit(self._unnormalized(*batch) for batch in batches)

    @torch.no_grad()
    def static_blocks(self, blocks: Iterable[np.ndarray]) -> Tensor:
        """`static` of one signal met in blocks (samples,) float32 of any sizes: (frames, n_static).

        Holds one block of samples and the frames; with `top_db`, which is known only at the end,
        the log-mel frames. Its values do not depend on how the signal was cut.
        """
        log_mel = self._log_mel
        with torch.autocast(log_mel.window.device.type, enabled=False):
            empty = log_mel.window.new_zeros(0, self.n_static)
            pieces = log_mel_blocks(log_mel, blocks)
            if self.config.top_db is not None:
                held = list(pieces)
                loudest = max((piece.max() for piece in held), default=empty)
                pieces = (log_mel.floor(piece, loudest) for piece in held)
            return torch.cat([empty, *map(self._cepstra, pieces)])

    def frame_count(self, samples: int) -> int:
        """Frames of a signal of so many samples; only an empty one has none."""
        return int(self._log_mel.frame_counts(torch.tensor(samples)))

    @property
    def _log_mel(self) -> LogMel:
        return self.spectral.log_mel if isinstance(self.spectral, Mfcc) else self.spectral

    def _cepstra(self, log_mel: Tensor) -> Tensor:
        return log_mel @ self.spectral.basis if isinstance(self.spectral, Mfcc) else log_mel

    def _unnormalized(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if inputs.ndim == 2:
            inputs, lengths = self.static(inputs, lengths)
        return self._with_deltas(inputs, lengths)

    def _with_deltas(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if frames.shape[-1] != self.n_static:
            raise ConfigError(
                f"features: found frames of {frames.shape[-1]} values, expected {self.n_static}; "
                "set n_mfcc (or n_mels) to what the corpus has"
            )
        lengths = lengths.to(frames.device)
        return self.deltas(frames, lengths), lengths
