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
from audio_rnn.models.pooling import Pooling, Sums, gather, merge, pooled
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack
from audio_rnn.models.texture import Texture, TextureConfig, mixed

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
    texture: TextureConfig = field(default_factory=TextureConfig)  # what else tells clips

    def __post_init__(self) -> None:
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to below 1")


class Scores(NamedTuple):
    """Log-odds of classes; zeros beyond each length."""

    clips: Tensor  # (batch, classes)
    steps: Tensor  # (batch, steps, classes)
    lengths: Tensor  # (batch,) steps


class ClipSums(NamedTuple):
    """What the score of a clip is made of; of its pieces they add up."""

    scores: Sums
    texture: Tensor | None = None  # (batch, width of the texture), or by the network alone

    def item(self, index: int) -> ClipSums:
        """Those of one clip of the batch, as a batch of one."""
        one = slice(index, index + 1)
        texture = None if self.texture is None else self.texture[one]
        return ClipSums(tuple(part[one] for part in self.scores), texture)


class TaggerModel(nn.Module):
    """(batch, frames, orders × bands) -> `Scores`, steps = ⌈frames/stride⌉.

    Steps are told by a convolutional and recurrent network; clips by it and, where the config has a
    share for it, by `Texture`, whose rows stand beside those of the network. Log-probabilities of clips are
    the mean of both by their shares.
    """

    texture: Texture | None

    def __init__(
        self, config: TaggerConfig, bands: int, orders: int, classes: int, several: bool
    ) -> None:
        """`several`: whether clips have any number of classes, or one."""
        super().__init__()
        self.config, self.inputs, self.classes = config, bands * orders, classes
        self.several = several
        self.front = Convolution(config.convolution, bands, orders)
        self.recurrent = RecurrentStack(config.recurrent, self.front.width)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.recurrent.width, 2 * classes)  # scores, then attention
        nn.init.constant_(self.output.bias[:classes], RARE)
        there, stride = config.texture.share > 0, self.front.stride
        self.texture = Texture(config.texture, bands, classes, stride) if there else None

    def forward(self, frames: Tensor, lengths: Tensor) -> Scores:
        """Frames (batch, frames, inputs), lengths (batch,) -> scores; padding changes nothing."""
        return self._scores(self.all_rows(frames, lengths), lengths)

    def network(self, frames: Tensor, lengths: Tensor) -> Scores:
        """The same by the network alone, as in training, where each has a loss of its own."""
        return self._scores(self.network_rows(frames, lengths), lengths)

    def all_rows(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """The same frames -> scores and attention, then sums of the texture if there is one:
        (batch, steps, 2 × classes or more)."""
        rows = self.network_rows(frames, lengths)
        if self.texture is None:
            return rows
        return torch.cat([rows, self.texture.sums(frames, lengths)], -1)

    def network_rows(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """The same frames -> scores and attention (batch, steps, 2 × classes)."""
        x = self.front(frames, lengths)
        # Small recurrent layers are faster in full precision than in half of it, and more exact.
        with torch.autocast(x.device.type, enabled=False):
            return self.rows(self.recurrent(x.float(), self.front.output_lengths(lengths))[0])

    def step_scores(self, rows: Tensor) -> Tensor:
        """Of rows (..., 2 × classes or more), the log-odds of steps (..., classes)."""
        return rows[..., : self.classes]

    def sums(self, rows: Tensor, mask: Tensor) -> ClipSums:
        """What the score of a clip needs to know of rows (batch, steps, 2 × classes or more), where
        mask (batch, steps) is True."""
        scores, attention, texture = rows.tensor_split((self.classes, 2 * self.classes), -1)
        found = gather(self.config.pooling, scores, attention, mask)
        return ClipSums(found, texture.double().sum(1) if texture.shape[-1] else None)

    def merged(self, first: ClipSums, second: ClipSums) -> ClipSums:
        """What `sums` would have given for the rows of both."""
        scores = merge(self.config.pooling, first.scores, second.scores)
        if first.texture is None:
            return ClipSums(scores)
        assert second.texture is not None, "of the same clip"
        return ClipSums(scores, first.texture + second.texture)

    def clip_scores(self, sums: ClipSums) -> Tensor:
        """Log-odds of clips (batch, classes)."""
        scores = pooled(self.config.pooling, sums.scores)
        if self.texture is None or sums.texture is None:
            return scores
        others = self.texture.scores(sums.texture).to(scores)
        return mixed(scores, others, self.config.texture.share, self.several)

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

    def _scores(self, rows: Tensor, lengths: Tensor) -> Scores:
        steps = self.front.output_lengths(lengths)
        mask = valid_frames(sent(steps, rows.device), rows.shape[1])
        clips = self.clip_scores(self.sums(rows, mask))
        return Scores(clips, self.step_scores(rows) * mask.unsqueeze(-1), steps)
