"""Feature frames -> scores of classes, for each step and for the clip as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.features import valid_frames
from audio_rnn.features.stages import Local, Stage
from audio_rnn.models.convolution import Convolution, ConvolutionConfig
from audio_rnn.models.pooling import Pooling, Sums, gather, pooled
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack

RARE = -3.0  # log-odds that training begins with: most classes are silent most of the time


@dataclass(frozen=True)
class TaggerConfig:
    """A convolutional front, recurrent layers, scores of steps, and how these become one."""

    convolution: ConvolutionConfig = field(default_factory=ConvolutionConfig)
    recurrent: RecurrentConfig = field(
        default_factory=lambda: RecurrentConfig(cell="gru", hidden=128, layers=1)
    )
    pooling: Pooling = "attention"  # of the scores of steps into that of the clip
    dropout: float = 0.3  # before the output

    def __post_init__(self) -> None:
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to below 1")


class Scores(NamedTuple):
    """Log-odds of classes; zeros beyond each length."""

    clips: Tensor  # (batch, classes)
    steps: Tensor  # (batch, steps, classes)
    lengths: Tensor  # (batch,) steps


class TaggerModel(nn.Module):
    """(batch, frames, orders × bands) -> `Scores`, steps = ⌈frames/stride⌉."""

    def __init__(self, config: TaggerConfig, bands: int, orders: int, classes: int) -> None:
        super().__init__()
        self.config, self.inputs, self.classes = config, bands * orders, classes
        self.front = Convolution(config.convolution, bands, orders)
        self.recurrent = RecurrentStack(config.recurrent, self.front.width)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.recurrent.width, 2 * classes)  # scores, then attention
        nn.init.constant_(self.output.bias[:classes], RARE)

    def forward(self, frames: Tensor, lengths: Tensor) -> Scores:
        """Frames (batch, frames, inputs), lengths (batch,) -> scores; padding changes nothing."""
        steps = self.front.output_lengths(lengths)
        rows = self.all_rows(frames, lengths)
        mask = valid_frames(sent(steps, rows.device), rows.shape[1])
        clips = pooled(self.config.pooling, self.sums(rows, mask))
        return Scores(clips, rows.chunk(2, -1)[0] * mask.unsqueeze(-1), steps)

    def all_rows(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """The same frames -> scores and attention (batch, steps, 2 × classes)."""
        x = self.front(frames, lengths)
        # Small recurrent layers are faster in full precision than in half of it, and more exact.
        with torch.autocast(x.device.type, enabled=False):
            return self.rows(self.recurrent(x.float(), self.front.output_lengths(lengths))[0])

    def sums(self, rows: Tensor, mask: Tensor) -> Sums:
        """What pooling needs to know of rows (batch, steps, 2 × classes), where mask is True."""
        scores, attention = rows.chunk(2, -1)
        return gather(self.config.pooling, scores, attention, mask)

    def rows(self, x: Tensor) -> Tensor:
        """What follows the layers: (..., width) -> scores and attention (..., 2 × classes)."""
        return self.output(self.dropout(x)).float()

    def front_stage(self) -> Stage:
        """The front for frames that come piece by piece: (frames, inputs) -> (steps, width)."""
        front = self.front

        def alone(x: Tensor) -> Tensor:
            return front(x[None], torch.tensor([len(x)]))[0]

        return Local(alone, front.width, front.past, front.future, front.stride)

    def output_stage(self) -> Stage:
        """What follows the layers: (steps, width) -> scores and attention (steps, 2 × classes)."""
        return Local(self.rows, 2 * self.classes)

    @property
    def delay(self) -> int:
        """Frames after its own that a step of a causal stream waits for."""
        return self.front.future - (self.front.stride - 1)
