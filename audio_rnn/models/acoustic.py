"""Feature frames -> log-probabilities of symbols, fewer steps than frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError
from audio_rnn.features import valid_frames
from audio_rnn.features.stages import Local, Stage
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack


@dataclass(frozen=True)
class AcousticConfig:
    """A front that shortens the sequence, recurrent layers, a linear output."""

    front: Literal["stack", "convolution"] = "stack"  # join `stride` frames, or convolve over them
    stride: int = 3  # frames a step
    channels: int = 256  # outputs of the convolution
    recurrent: RecurrentConfig = field(default_factory=RecurrentConfig)
    lookahead: int = 0  # steps of future that the output sees behind layers of one direction
    dropout: float = 0.2  # before the output

    def __post_init__(self) -> None:
        for name in ("stride", "channels"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: found {getattr(self, name)}, expected 1 or more")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout: found {self.dropout}, expected 0 <= dropout < 1")
        require(
            self.lookahead >= 0 and not (self.lookahead and self.recurrent.bidirectional),
            "lookahead",
            self.lookahead,
            "0 or more, and 0 when the recurrent layers are bidirectional",
            "lower it, or set recurrent.bidirectional to false",
        )


class AcousticModel(nn.Module):
    """(batch, frames, inputs) -> log-probabilities (batch, steps, outputs), steps = ⌈frames/stride⌉."""

    def __init__(self, config: AcousticConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.config, self.inputs = config, inputs
        front = (
            FrameStack(config.stride)
            if config.front == "stack"
            else FrameConvolution(config, inputs)
        )
        self.front = front
        width = inputs * config.stride if config.front == "stack" else config.channels
        self.recurrent = RecurrentStack(config.recurrent, width)
        self.lookahead = (
            Lookahead(config.recurrent.width, config.lookahead)
            if config.lookahead
            else nn.Identity()
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.recurrent.width, outputs)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps for these numbers of frames."""
        return (lengths + self.config.stride - 1) // self.config.stride

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (batch, frames, inputs), zeros beyond lengths -> log_probs, step lengths."""
        steps, there = self.output_lengths(lengths), sent(lengths, frames.device)
        frames = frames * valid_frames(there, frames.shape[1]).unsqueeze(-1).to(frames.dtype)
        x, there = self.front(frames), self.output_lengths(there)
        x = x * valid_frames(there, x.shape[1]).unsqueeze(-1).to(x.dtype)
        x, _ = self.recurrent(x, there)
        return self.log_probs(self.lookahead(x)), steps

    def log_probs(self, x: Tensor) -> Tensor:
        """What follows the layers: (..., width) -> log-probabilities (..., outputs)."""
        return self.output(self.dropout(x)).float().log_softmax(dim=-1)

    def front_stage(self) -> Stage:
        """The front for frames that come piece by piece: (frames, inputs) -> (steps, width)."""
        front = self.front
        return Local(
            lambda x: front(x[None])[0],
            self.recurrent.inputs,
            front.past,
            front.future,
            self.config.stride,
        )

    def output_stage(self) -> Stage:
        """What follows the layers, the same way: (steps, width) -> log_probs (steps, outputs)."""
        ahead = self.config.lookahead
        return Local(
            lambda x: self.log_probs(self.lookahead(x[None])[0]),
            self.output.out_features,
            future=ahead,
        )

    @property
    def delay(self) -> int:
        """Frames after its own that a step of a causal stream waits for."""
        ahead = self.config.lookahead * self.config.stride
        return self.front.future - (self.config.stride - 1) + ahead


class FrameStack(nn.Module):
    """Join every `stride` frames into one; the last step is filled up with zeros."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.past, self.future = 0, stride - 1  # frames around the first of a step

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, inputs) -> (batch, ⌈frames/stride⌉, inputs × stride)."""
        batch, frames, inputs = x.shape
        x = nn.functional.pad(x, (0, 0, 0, -frames % self.stride))
        return x.reshape(batch, -1, inputs * self.stride)


class FrameConvolution(nn.Module):
    """A strided convolution over time, 2 × stride + 1 frames wide."""

    def __init__(self, config: AcousticConfig, inputs: int) -> None:
        super().__init__()
        s = self.past = self.future = config.stride
        self.conv = nn.Conv1d(inputs, config.channels, 2 * s + 1, stride=s, padding=s)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, inputs) -> (batch, ⌈frames/stride⌉, channels)."""
        return self.conv(x.transpose(1, 2)).transpose(1, 2).relu()


class Lookahead(nn.Module):
    """A weighted sum of each step and the next ones, channel by channel.

    Wang et al. 2016, "Lookahead convolution layer for unidirectional recurrent neural networks";
    the row convolution of Deep Speech 2. It starts as the identity.
    """

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.conv = nn.Conv1d(width, width, steps + 1, groups=width, bias=False)
        nn.init.zeros_(self.conv.weight)
        nn.init.ones_(self.conv.weight[..., 0])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width), zeros beyond each length -> the same shape, zeros there too."""
        return self.conv(nn.functional.pad(x.transpose(1, 2), (0, self.steps))).transpose(1, 2)
