"""What looks along time: derivatives and normalisation of frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from audio_rnn.device import sent
from audio_rnn.errors import ConfigError, ModelError

SMALLEST_DEVIATION = 1e-3  # a constant coefficient divided by less would be amplified rounding


def valid_frames(lengths: Tensor, frames: int) -> Tensor:
    """True where a frame lies inside its utterance: lengths (batch,) -> (batch, frames)."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


class Deltas(nn.Module):
    """Appends the first `order` time derivatives, regressed over two frames to either side.

    The last valid frame stands in for those after it, so that padding changes nothing.
    Young et al., The HTK Book, section 5.9 (the formula of torchaudio and librosa as well).
    """

    reach = 2  # frames to either side

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """(batch, frames, n) -> (batch, frames, n * (1 + order)); zeros past every length."""
        mask = valid_frames(lengths, frames.shape[1]).unsqueeze(-1)
        if not frames.numel():
            return frames.repeat(1, 1, 1 + self.order)
        orders = [frames]
        for _ in range(self.order):
            orders.append(self._derivative(orders[-1], lengths))
        return torch.cat(orders, -1).masked_fill(~mask, 0)

    def _derivative(self, frames: Tensor, lengths: Tensor) -> Tensor:
        times = torch.arange(-self.reach, frames.shape[1] + self.reach, device=frames.device)
        last = (lengths[:, None] - 1).clamp(min=0)
        places = torch.minimum(times.clamp(min=0), last).unsqueeze(-1)
        held = frames.gather(1, places.expand(-1, -1, frames.shape[2]))
        near = held[:, 3:-1] - held[:, 1:-3]
        far = held[:, 4:] - held[:, :-4]
        return (near + 2 * far) / 10


class Normalizer(nn.Module):
    """Brings every coefficient to mean 0 and variance 1.

    - none: leaves frames as they are;
    - utterance: over the valid frames of each utterance;
    - global: by `fit`, the mean and deviation of the training frames, saved with the weights;
    - sliding: causally, over the last `window` frames, the present one included. A stream gives
      the same values when every piece is preceded by the last `window - 1` frames.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, mode: Literal["none", "utterance", "global", "sliding"], dim: int, window: int = 300
    ) -> None:
        super().__init__()
        self.mode, self.window = mode, window
        self.fitted = mode != "global"  # as far as is known
        if mode == "global":  # not a number until fitted
            self.register_buffer("mean", torch.full((dim,), torch.nan))
            self.register_buffer("deviation", torch.full((dim,), torch.nan))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """(batch, frames, dim), lengths (batch,) -> the same shape; zeros past every length.

        Raises: ModelError when mode is global and `fit` was not called.
        """
        mask = valid_frames(lengths, frames.shape[1]).unsqueeze(-1)
        if self.mode == "utterance":
            frames = _by_utterance(frames, lengths, mask)
        elif self.mode == "sliding":
            frames = _by_past(frames.masked_fill(~mask, 0), self.window)
        elif self.mode == "global":
            self._require_fitted()
            frames = (frames - self.mean) / self.deviation
        return frames.masked_fill(~mask, 0)

    def _require_fitted(self) -> None:
        """Looks once: a GPU would be waited for."""
        self.fitted = self.fitted or not bool(torch.isnan(self.mean).any())
        if not self.fitted:
            raise ModelError(
                "normalization: found global statistics that were never measured, expected "
                "those of the training data; call fit first, or choose utterance or sliding"
            )

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure mean and deviation over (frames, lengths) of the training data; global only.

        Raises: ConfigError in another mode, or when there is no frame.
        """
        if self.mode != "global":
            raise ConfigError(f"normalization: found {self.mode}, expected global to fit it")
        moments = Moments(len(self.mean))
        for frames, lengths in batches:
            moments.add(frames[valid_frames(lengths, frames.shape[1])])
        if not moments.count:
            raise ConfigError("normalization: found no training frame, expected one at least")
        mean, deviation = moments.mean_and_deviation()
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)


class Moments:
    """Mean and deviation of frames met piece by piece, in double precision, where the frames are."""

    def __init__(self, dim: int) -> None:
        self.count = 0
        self.total = self.squares = torch.zeros(dim, dtype=torch.float64)

    def add(self, frames: Tensor) -> None:
        """Frames (n, dim)."""
        exact = frames.detach().double()
        self.count += len(exact)
        self.total = sent(self.total, exact.device) + exact.sum(0)
        self.squares = sent(self.squares, exact.device) + exact.square().sum(0)

    def mean_and_deviation(self) -> tuple[Tensor, Tensor]:
        """(dim,) float32 each; the deviation is what `Normalizer` divides by."""
        count = max(self.count, 1)
        mean = self.total / count
        variance = (self.squares / count - mean.square()).clamp(min=0)
        return mean.float(), variance.sqrt().clamp(min=SMALLEST_DEVIATION).float()


def _by_utterance(frames: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
    count = lengths.clamp(min=1)[:, None, None]
    mean = frames.masked_fill(~mask, 0).sum(1, keepdim=True) / count
    centred = (frames - mean).masked_fill(~mask, 0)
    variance = centred.square().sum(1, keepdim=True) / count
    return centred / variance.clamp(min=SMALLEST_DEVIATION**2).sqrt()


def _by_past(frames: Tensor, window: int) -> Tensor:
    """Running sums in double precision, so that an endless stream does not drown in rounding."""
    exact = frames.double()
    times = torch.arange(1, frames.shape[1] + 1, device=frames.device)
    count = times.clamp(max=window)[:, None]
    mean = _running_sum(exact, window) / count
    variance = _running_sum(exact.square(), window) / count - mean.square()
    return ((exact - mean) / variance.clamp(min=SMALLEST_DEVIATION**2).sqrt()).to(frames.dtype)


def _running_sum(values: Tensor, window: int) -> Tensor:
    """The sum of the last `window` values along time."""
    sums = values.cumsum(1)
    return torch.cat([sums[:, :window], sums[:, window:] - sums[:, :-window]], 1)
