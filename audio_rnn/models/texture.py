"""What a clip sounds like as a whole: averages over time, as of rain, that no order of frames is in.

McDermott & Simoncelli 2011, "Sound texture perception via statistics of the auditory periphery", tell
such sounds by moments of bands and by how these change; here a small network reads the like.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.distributed.sums import over_all
from audio_rnn.features import valid_frames
from audio_rnn.features.stages import Local, Stage

FRAMES, BANDS = (1, 4), (1, 4)  # over how many a level's changes are measured
INPUT_DROPOUT = 0.2
MOMENTUM = 0.03  # of running statistics: about 30 batches
STEADY = 1e-2  # deviation of a level that stays as it is: less would be rounding
LEAST_DEVIATION = 2e-2  # what is alike in all clips of the training would blow up others
DOUBT = 0.1  # of a texture's word, which is wrong of one clip in ten, and then as sure as ever
FARTHEST = 6.0  # deviations: about the farthest that training meets, and so silence is no farther


@dataclass(frozen=True)
class TextureConfig:
    """A network of one hidden layer that reads averages over a clip."""

    share: float = 0.0  # of it in the log-probabilities of a clip; 0: there is none
    hidden: int = 128  # units
    dropout: float = 0.5  # before the output

    def __post_init__(self) -> None:
        require(0 <= self.share < 1, "share", self.share, "0 to below 1")
        require(self.hidden >= 1, "hidden", self.hidden, "1 or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to below 1")


class Texture(nn.Module):
    """Frames -> sums, which add up over pieces of a clip -> log-odds of classes.

    Of each band the mean and deviation of its level, and how much that differs, on average, from its
    level a little before and from that of a band nearby.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, config: TextureConfig, bands: int, classes: int, stride: int) -> None:
        """`bands` of the levels that frames begin with; sums are told for each `stride` frames."""
        super().__init__()
        self.bands, self.stride = bands, stride
        self.near = [n for n in BANDS if n < bands]
        described = bands * (2 + len(FRAMES)) + sum(bands - n for n in self.near)
        self.width = described + 1  # sums, and the number of frames
        self.register_buffer("mean", torch.zeros(described))
        self.register_buffer("variance", torch.ones(described))
        self.layers = nn.Sequential(
            nn.Dropout(INPUT_DROPOUT),
            nn.Linear(described, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.output = nn.Linear(config.hidden, classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames (batch, frames, inputs), lengths (batch,) -> log-odds (batch, classes)."""
        return self.scores(self.sums(frames, lengths).double().sum(1))

    def sums(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """The same frames -> sums over each `stride` of them (batch, steps, width)."""
        x = frames[..., : self.bands].float()
        steps = -(-x.shape[1] // self.stride)
        x = pad(x, (0, 0, 0, steps * self.stride - x.shape[1]))
        outside = ~valid_frames(sent(lengths, x.device), x.shape[1]).unsqueeze(-1)
        parts = [x, x.square(), *self._changes(x), torch.ones_like(x[..., :1])]
        heard = (part.masked_fill(outside, 0) for part in parts)
        return torch.cat([part.unflatten(1, (steps, self.stride)).sum(2) for part in heard], -1)

    def _changes(self, x: Tensor) -> Iterator[Tensor]:
        """What levels (batch, frames, bands) differ by from those before, the first from themselves,
        and from those beside them."""
        for n in FRAMES:
            before = torch.cat([x[:, :1].expand(-1, n, -1), x], 1)[:, : x.shape[1]]
            yield (x - before).abs_()
        for n in self.near:
            yield (x[..., n:] - x[..., :-n]).abs_()

    def stage(self) -> Stage:
        """`sums` for the frames of one clip that come piece by piece: (frames, inputs) -> (steps, width)."""

        def alone(x: Tensor) -> Tensor:
            return self.sums(x[None], torch.tensor([len(x)]))[0]

        return Local(alone, self.width, max(FRAMES), self.stride - 1, self.stride)

    def scores(self, sums: Tensor) -> Tensor:
        """Sums over a clip (batch, width), in double precision -> log-odds (batch, classes)."""
        with torch.autocast(sums.device.type, enabled=False):
            means = sums[:, :-1] / sums[:, -1:].clamp(min=1)
            levels, squares, changes = means.tensor_split((self.bands, 2 * self.bands), -1)
            deviations = (squares - levels.square()).clamp(min=STEADY**2).sqrt()
            described = torch.cat([levels, deviations, changes], -1).to(self.mean.dtype)
            return self.output(self.layers(self._standardised(described)))

    def _standardised(self, x: Tensor) -> Tensor:
        """By what all processes met in training until now: a batch may be of one clip."""
        if self.training:
            with torch.no_grad():
                count = over_all(x.new_full((), len(x)))
                self.mean.lerp_(over_all(x.sum(0)) / count, MOMENTUM)
                self.variance.lerp_(over_all((x - self.mean).square().sum(0)) / count, MOMENTUM)
        z = (x - self.mean) / self.variance.sqrt().clamp(min=LEAST_DEVIATION)
        return z if self.training else z.clamp(-FARTHEST, FARTHEST)


def mixed(scores: Tensor, others: Tensor, share: float, several: bool) -> Tensor:
    """Log-odds of classes by a network, of which those by a texture, `others`, have a share.
    (..., classes) all.

    Probabilities are a softmax over the classes, or for `several` of a clip a sigmoid each. The mean is that of
    their logarithms, so that who is sure says more, within the bounds of `DOUBT`.
    """
    if several:
        heard, silent = (_doubted(logsigmoid(sign * others), 2) for sign in (1, -1))
        return scores.lerp(heard - silent, share)
    return scores.log_softmax(-1).lerp(_doubted(others.log_softmax(-1), others.shape[-1]), share)


def _doubted(told: Tensor, choices: int) -> Tensor:
    """Log-probabilities of a texture, of which some say nothing, any of the choices being as likely."""
    even = told.new_full((), math.log(DOUBT / choices))
    return torch.logaddexp(told + math.log(1 - DOUBT), even)
