"""From waveforms, or frames made elsewhere, to what a network reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError
from audio_rnn.features.blocks import log_mel_pieces, normalized_by_utterance
from audio_rnn.features.config import FeatureConfig
from audio_rnn.features.spectral import LogMel, Mfcc, product
from audio_rnn.features.stages import Chain, Local, Stage, run
from audio_rnn.features.stream import LogMelStream
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
        there = sent(lengths, frames.device)
        return self.normalizer(self._with_deltas(frames, there), there), lengths

    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure the statistics of normalization "global" from (inputs, lengths) of training."""
        self.normalizer.fit(self._unnormalized(*batch) for batch in batches)

    @torch.no_grad()
    def static_blocks(self, blocks: Iterable[np.ndarray]) -> Tensor:
        """`static` of one signal met in blocks (samples,) float32 of any sizes: (frames, n_static).

        Holds one block of samples and the frames. Its values do not depend on how the signal was
        cut.
        """
        return torch.cat([self._empty(self.n_static), *self.static_pieces(blocks)])

    @torch.no_grad()
    def static_pieces(self, blocks: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """The same in pieces (frames, n_static), for signals of any length."""
        for piece in log_mel_pieces(self._log_mel, blocks):
            yield self._cepstra(piece)

    def finish_pieces(self, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
        """`finish` for the static frames of one signal in pieces -> pieces (frames, dim).

        Raises: StorageError when normalization "utterance" fills the disk.
        """
        if self.config.normalization == "utterance":
            frames = run(self._delta_stage(), pieces, self._empty(self.n_static))
            return normalized_by_utterance(frames, self.dim)
        stage = Chain([self._delta_stage(), self._normalizer_stage()])
        return run(stage, pieces, self._empty(self.n_static))

    def stream(self) -> Stage:
        """A stage from samples (samples,) to finished frames (frames, dim), each given as soon as
        the samples it depends on are there.

        Raises: ConfigError when a frame depends on the whole signal.
        """
        require(
            self.config.normalization != "utterance" and self.config.top_db is None,
            "features",
            f"normalization {self.config.normalization}, top_db {self.config.top_db}",
            "normalization none, global or sliding and top_db null for a stream",
            "the others are known only when the signal has ended, so train a model for streams, as "
            "docs/streaming.md tells",
        )
        log_mel = LogMelStream(self._log_mel)
        cepstra = Local(self._cepstra, self.n_static)
        return Chain([log_mel, cepstra, self._delta_stage(), self._normalizer_stage()])

    @property
    def delay(self) -> int:
        """Samples that a frame of a stream waits for when its own hop is over."""
        log_mel, reach = self._log_mel, self.deltas.reach * self.deltas.order
        needed = reach * log_mel.hop_length + log_mel.span - log_mel.unused - log_mel.left
        return needed - log_mel.hop_length

    def _delta_stage(self) -> Stage:
        reach = self.deltas.reach * self.deltas.order
        return Local(_alone(self.deltas), self.dim, past=reach, future=reach)

    def _normalizer_stage(self) -> Stage:
        past = self.normalizer.window - 1 if self.normalizer.mode == "sliding" else 0
        return Local(_alone(self.normalizer), self.dim, past=past)

    def _empty(self, width: int) -> Tensor:
        return self._log_mel.window.new_zeros(0, width)

    def frame_count(self, samples: int) -> int:
        """Frames of a signal of so many samples; only an empty one has none."""
        return int(self._log_mel.frame_counts(torch.tensor(samples)))

    @property
    def _log_mel(self) -> LogMel:
        return self.spectral.log_mel if isinstance(self.spectral, Mfcc) else self.spectral

    def _cepstra(self, log_mel: Tensor) -> Tensor:
        if isinstance(self.spectral, LogMel):
            return log_mel
        with torch.autocast(log_mel.device.type, enabled=False):
            return product(log_mel, self.spectral.basis)

    def _unnormalized(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if inputs.ndim == 2:
            inputs, lengths = self.static(inputs, lengths)
        lengths = sent(lengths, inputs.device)
        return self._with_deltas(inputs, lengths), lengths

    def _with_deltas(self, frames: Tensor, lengths: Tensor) -> Tensor:
        if frames.shape[-1] != self.n_static:
            raise ConfigError(
                f"features: found frames of {frames.shape[-1]} values, expected {self.n_static}; "
                "set n_mfcc (or n_mels) to what the corpus has"
            )
        return self.deltas(frames, lengths)


def _alone(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of batches for one sequence (frames, inputs)."""
    return lambda x: function(x[None], sent(torch.tensor([len(x)]), x.device))[0]
