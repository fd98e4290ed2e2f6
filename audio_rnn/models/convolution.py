"""A convolutional front over time and frequency, for sounds that are shapes in a spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.distributed.sums import over_all, shared
from audio_rnn.features import valid_frames


@dataclass(frozen=True)
class ConvolutionConfig:
    """Blocks of a 3 x 3 convolution, batch norm, ReLU and max pooling; none leaves frames as they are."""

    channels: tuple[int, ...] = (32, 64, 128)  # outputs of each block
    time_pooling: tuple[int, ...] = (2, 2, 1)  # frames that each block joins
    frequency_pooling: tuple[int, ...] = (2, 2, 2)  # bands that each block joins
    dropout: float = 0.1  # of whole channels, after each block

    def __post_init__(self) -> None:
        for name in ("time_pooling", "frequency_pooling"):
            found = getattr(self, name)
            fits = len(found) == len(self.channels) and all(n >= 1 for n in found)
            require(fits, name, found, f"{len(self.channels)} numbers, a block each, 1 or more")
        require(all(n >= 1 for n in self.channels), "channels", self.channels, "1 or more each")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to below 1")


class Convolution(nn.Module):
    """(batch, frames, orders × bands) -> (batch, ⌈frames/stride⌉, width), the same for every padding.

    A row sees frames row * stride - past to row * stride + future.
    """

    def __init__(self, config: ConvolutionConfig, bands: int, orders: int) -> None:
        """`bands` values of frequency in a frame, and as many for each order of derivatives."""
        super().__init__()
        self.bands, self.orders = bands, orders
        self.stride, self.past, self.future = 1, 0, 0
        self.blocks = nn.ModuleList()
        channels = orders
        for n, time, frequency in zip(
            config.channels, config.time_pooling, config.frequency_pooling
        ):
            self.blocks.append(Block(channels, n, time, frequency, config.dropout))
            self.past += self.stride
            self.future += self.stride * time
            self.stride *= time
            channels, bands = n, -(-bands // frequency)
        self.width = channels * bands

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps for these numbers of frames."""
        return (lengths + self.stride - 1) // self.stride

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames (batch, frames, orders × bands), lengths (batch,) -> (batch, steps, width)."""
        x = frames.unflatten(-1, (self.orders, self.bands)).movedim(2, 1)
        x = x.to(memory_format=torch.channels_last)  # what convolutions on a CPU are fastest with
        padded, lengths = int(lengths.min()) < x.shape[2], sent(lengths, x.device)
        if padded:
            x = x * _mask(lengths, x)
        for block in self.blocks:
            x, lengths = block(x, lengths, padded)
        return x.movedim(1, 2).flatten(2)


class Block(nn.Module):
    """Convolution, batch norm over what is no padding, max pooling, ReLU, dropout."""

    def __init__(
        self, inputs: int, outputs: int, time: int, frequency: int, dropout: float
    ) -> None:
        super().__init__()
        self.time, self.frequency = time, frequency
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout2d(dropout)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor, lengths: Tensor, padded: bool) -> tuple[Tensor, Tensor]:
        """(batch, inputs, frames, bands), zeros beyond lengths -> the same, pooled.

        `padded`: whether there is anything beyond a length.
        """
        x = self.conv(x)
        if padded or (self.training and shared()):  # others' parts of the batch may be padded
            x = self._normalized(x, lengths) * _mask(lengths, x)
        else:
            x = self.norm(x)
        # A ReLU after the pooling gives the same as one before it, from fewer values.
        x = max_pool2d(x, (self.time, self.frequency), ceil_mode=True)
        return self.dropout(x.relu()), (lengths + self.time - 1) // self.time

    def _normalized(self, x: Tensor, lengths: Tensor) -> Tensor:
        """In training, padding counts neither for the mean nor for the deviation."""
        if not self.training:
            return self.norm(x)
        if x.is_cuda or shared():
            return masked_norm(self.norm, x, _mask(lengths, x))
        valid = valid_frames(lengths, x.shape[2])
        rows = x.permute(0, 2, 3, 1)  # (batch, frames, bands, channels), as they lie in memory
        normalized = self.norm(rows[valid].movedim(2, 1).unsqueeze(3)).squeeze(3).movedim(1, 2)
        filled = torch.zeros_like(rows, dtype=normalized.dtype)
        filled[valid] = normalized
        return filled.permute(0, 3, 1, 2)


def masked_norm(norm: nn.BatchNorm2d, x: Tensor, mask: Tensor) -> Tensor:
    """Batch norm in training over frames where mask (batch, 1, frames, 1) is 1, those of all processes,
    in shapes that do not depend on lengths, so that a GPU is not waited for."""
    x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x  # sums want more digits
    count = over_all(mask.to(x.dtype).sum() * x.shape[3])
    mean = over_all((x * mask).sum((0, 2, 3), keepdim=True)) / count
    variance = over_all(((x - mean).square() * mask).sum((0, 2, 3), keepdim=True)) / count
    assert norm.running_mean is not None and norm.running_var is not None and norm.momentum
    with torch.no_grad():
        unbiased = variance.flatten() * count / (count - 1)
        norm.running_mean.lerp_(mean.flatten(), norm.momentum)
        norm.running_var.lerp_(unbiased, norm.momentum)
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
    scaled = (x - mean) * (variance + norm.eps).rsqrt() * norm.weight[:, None, None]
    return (scaled + norm.bias[:, None, None]) * mask


def _mask(lengths: Tensor, x: Tensor) -> Tensor:
    """1 inside, 0 beyond the lengths: for x (batch, channels, frames, bands)."""
    return valid_frames(lengths, x.shape[2])[:, None, :, None].to(x.dtype)
