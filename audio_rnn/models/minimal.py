"""A cell whose gates see the input alone, so that all frames are trained at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from audio_rnn.models.scan import scan


class MinimalGRU(nn.Module):
    """The minGRU of Feng et al. 2024, "Were RNNs all we needed?"; named and called as `nn.GRU`.

    h[t] = (1 - z[t]) * h[t-1] + z[t] * g(n[t]), z and n linear maps of the input, z through a sigmoid.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = inputs, hidden
        self.weight_ih_l0 = nn.Parameter(torch.empty(2 * hidden, inputs))  # update, new
        self.bias_ih_l0 = nn.Parameter(torch.empty(2 * hidden))

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, frames, inputs), state (1, batch, hidden) or zeros -> (batch, frames, hidden), state."""
        update, new = linear(x, self.weight_ih_l0, self.bias_ih_l0).chunk(2, dim=-1)
        first = x.new_zeros(len(x), self.hidden_size) if state is None else state[0]
        z = update.sigmoid()
        h = scan(1 - z, z * positive(new), first.to(z.dtype))
        return h, h[:, -1].unsqueeze(0)


def positive(x: Tensor) -> Tensor:
    """The paper's g: x + 1/2 above zero, a sigmoid below."""
    return x.relu() + x.sigmoid().clamp(max=0.5)
