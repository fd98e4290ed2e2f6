"""Elman, GRU and LSTM networks over padded batches, exact for every length.

Nothing is packed. The forward direction never sees padding before its last valid frame; the
backward direction runs over sequences flipped within their own length, so the same holds for it.
Results then equal packed sequences at the speed of padded ones (benchmarks/recurrent.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from audio_rnn.device import sent
from audio_rnn.errors import ConfigError
from audio_rnn.features import valid_frames
from audio_rnn.models.beside import Part, beside
from audio_rnn.models.gru import run_gru, runs_compiled

Cell = Literal["elman_tanh", "elman_relu", "gru", "lstm"]
State = tuple[Tensor, ...]  # (h,) or (h, c), each (1, batch, hidden)

SWEEP = 8192  # frames a pass of a cell without gradients: bounds its memory on long audio


@dataclass(frozen=True)
class RecurrentConfig:
    """A stack of recurrent layers."""

    cell: Cell = "lstm"
    hidden: int = 256  # units of each direction
    layers: int = 3
    bidirectional: bool = True
    projection: int | None = None  # width of a linear map after each layer
    layer_norm: bool = False  # normalise the output of each layer
    residual: bool = False  # add a layer's input to its output where the widths agree
    dropout: float = 0.2  # on the input of every layer but the first

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "projection"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name}: found {value}, expected 1 or more")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout: found {self.dropout}, expected 0 <= dropout < 1")

    @property
    def width(self) -> int:
        """Size of the output at each frame."""
        return self.projection or self.hidden * (2 if self.bidirectional else 1)


class RecurrentStack(nn.Module):
    """(batch, frames, inputs) -> (batch, frames, width); zeros beyond each length."""

    def __init__(self, config: RecurrentConfig, inputs: int) -> None:
        super().__init__()
        self.config, self.inputs = config, inputs
        widths = [inputs, *[config.width] * (config.layers - 1)]
        self.layers = nn.ModuleList(RecurrentLayer(config, width) for width in widths)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, lengths: Tensor, state: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """Run all layers.

        Args:
            x: (batch, frames, inputs).
            lengths: (batch,) valid frames.
            state: what an earlier call returned, to go on where it stopped; one direction only.

        Returns:
            (batch, frames, width), and the state of each layer's forward direction after the
            last frame of the batch.
        """
        if state is not None and self.config.bidirectional:
            raise ValueError("state: a stack with two directions cannot go on from a state")
        states, lengths = [], sent(lengths, x.device)
        for i, layer in enumerate(self.layers):
            x, last = layer(self.dropout(x) if i else x, lengths, state[i] if state else None)
            states.append(last)
        return x, states


class RecurrentLayer(nn.Module):
    """One layer: one or two directions, then projection, norm and residual as configured."""

    def __init__(self, config: RecurrentConfig, inputs: int) -> None:
        super().__init__()
        self.forwards = make_cell(config.cell, inputs, config.hidden)
        self.backwards = (
            make_cell(config.cell, inputs, config.hidden) if config.bidirectional else None
        )
        both = config.hidden * (2 if config.bidirectional else 1)
        self.project = nn.Linear(both, config.projection) if config.projection else nn.Identity()
        self.norm = nn.LayerNorm(config.width) if config.layer_norm else nn.Identity()
        self.residual = config.residual and inputs == config.width

    def forward(
        self, x: Tensor, lengths: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """(batch, frames, inputs) -> (batch, frames, width) and the forward direction's state."""
        mask = valid_frames(lengths, x.shape[1]).unsqueeze(-1)
        if torch.is_grad_enabled():
            y, last = self._pass(x, lengths, state)
            return self.finish(x, y) * mask.to(y.dtype), last
        y, last = self._sweep(x, lengths, state)
        return self.finish(x, y).mul_(mask), last

    def chunk(self, x: Tensor, keep: int, state: State | None) -> tuple[Tensor, State]:
        """A piece (1, frames, inputs) of which only `keep` frames are the past of the next one.

        The forward direction goes on from `state`, the backward one begins at the end of x.

        Returns:
            (1, frames, width), and the state of the forward direction after `keep` frames.
        """
        assert self.backwards is not None, "one direction needs no future"
        y, state = run_cell(self.forwards, x[:, :keep], state)
        if x.shape[1] > keep:
            y = torch.cat([y, run_cell(self.forwards, x[:, keep:], state)[0]], 1)
        reverse, _ = run_cell(self.backwards, x.flip(1), None)
        return self.finish(x, torch.cat([y, reverse.flip(1)], -1)), state

    def finish(self, x: Tensor, y: Tensor) -> Tensor:
        """What follows the cells: x the layer's input, y all directions' outputs."""
        y = self.norm(self.project(y))
        return x + y if self.residual else y

    def _pass(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State]:
        """All frames at once, with gradients."""
        if self.backwards is None:
            return run_halves(self.forwards, x, state)
        backwards, flip = self.backwards, flip_index(lengths, x.shape[1])

        def ahead(x: Tensor) -> tuple[Tensor, ...]:
            y, last = run_cell(self.forwards, x, state)
            return y, *last

        def back(x: Tensor) -> tuple[Tensor, ...]:
            return (run_reversed(backwards, x, flip),)

        (y, *last), (reverse,) = beside(
            Part(ahead, tuple(self.forwards.parameters())),
            Part(back, tuple(backwards.parameters())),
            x,
        )
        return torch.cat([y, reverse], dim=-1), tuple(last)

    def _sweep(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The same piece by piece into one tensor, for long audio and without gradients."""
        hidden, backwards = self.forwards.hidden_size, self.backwards
        y = x.new_empty(*x.shape[:2], hidden * (1 if backwards is None else 2))

        def ahead(x: Tensor) -> tuple[Tensor, ...]:
            last = state
            for start in range(0, x.shape[1], SWEEP):
                part = slice(start, start + SWEEP)
                y[:, part, :hidden], last = run_cell(self.forwards, x[:, part], last)
            assert last is not None, "a sequence has at least one frame"
            return last

        if backwards is None:
            return y, ahead(x)

        def back(x: Tensor) -> tuple[Tensor, ...]:
            carried = None
            for index in flip_index(lengths, x.shape[1]).split(SWEEP, dim=1):
                piece, carried = run_cell(backwards, take(x, index), carried)
                y[..., hidden:].scatter_(1, index.unsqueeze(-1).expand(-1, -1, hidden), piece)
            return ()

        return y, beside(Part(ahead), Part(back), x)[0]


def make_cell(cell: Cell, inputs: int, hidden: int) -> nn.RNNBase:
    """One direction of one layer, initialised.

    Recurrent matrices start orthogonal (Saxe et al. 2014), of a ReLU cell as identity (Le et
    al. 2015); input matrices Glorot; biases zero but the LSTM's forget gate, one (Jozefowicz et
    al. 2015).
    """
    module: nn.RNNBase
    if cell == "lstm":
        module = nn.LSTM(inputs, hidden, batch_first=True)
    elif cell == "gru":
        module = nn.GRU(inputs, hidden, batch_first=True)
    else:
        module = nn.RNN(inputs, hidden, batch_first=True, nonlinearity=cell.removeprefix("elman_"))
    weights = {name: weight.detach() for name, weight in module.named_parameters()}
    for gate in weights["weight_hh_l0"].split(hidden):
        nn.init.eye_(gate) if cell == "elman_relu" else nn.init.orthogonal_(gate)
    for gate in weights["weight_ih_l0"].split(hidden):
        nn.init.xavier_uniform_(gate)
    nn.init.zeros_(weights["bias_ih_l0"])
    nn.init.zeros_(weights["bias_hh_l0"])
    if cell == "lstm":
        nn.init.ones_(weights["bias_ih_l0"][hidden : 2 * hidden])
    return module


def run_cell(cell: nn.RNNBase, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """One direction over x (batch, frames, inputs), from `state` or from zeros."""
    if isinstance(cell, nn.LSTM):
        y, last = cell(x, state)
        return y, last
    first = state[0] if state else None
    y, h = run_gru(cell, x, first) if runs_compiled(cell, x) else cell(x, first)
    return y, (h,)


def run_halves(cell: nn.RNNBase, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """`run_cell` with gradients, on a CPU for each half of a batch by itself: for two threads there is
    something to do at once then, and one takes no longer. Their numbers are the same."""
    middle = (len(x) + 1) // 2
    learnt = state is not None and any(part.requires_grad for part in state)
    if x.device.type != "cpu" or middle == len(x) or learnt:
        return run_cell(cell, x, state)

    def half(items: slice) -> Part:
        own = state and tuple(part[:, items] for part in state)

        def run(x: Tensor) -> tuple[Tensor, ...]:
            y, last = run_cell(cell, x[items], own)
            return y, *last

        return Part(run, tuple(cell.parameters()))

    (y, *last), (z, *others) = beside(half(slice(middle)), half(slice(middle, None)), x)
    return torch.cat([y, z]), tuple(torch.cat([a, b], 1) for a, b in zip(last, others))


def run_reversed(cell: nn.RNNBase, x: Tensor, flip: Tensor) -> Tensor:
    """The backward direction over x (batch, frames, inputs), whose output is in the order of x."""
    return _Flip.apply(run_cell(cell, _Flip.apply(x, flip), None)[0], flip)


def flip_index(lengths: Tensor, frames: int) -> Tensor:
    """(batch, frames): the frame order that reverses each sequence and leaves its padding."""
    forward = torch.arange(frames, device=lengths.device).expand(len(lengths), -1)
    last = lengths.unsqueeze(1) - 1
    return torch.where(forward <= last, last - forward, forward)


def take(x: Tensor, index: Tensor) -> Tensor:
    """Frames of x (batch, frames, width) in the order of index (batch, frames)."""
    rows = index + x.shape[1] * torch.arange(len(x), device=x.device).unsqueeze(1)
    return x.flatten(0, 1).index_select(0, rows.flatten()).unflatten(0, index.shape)


class _Flip(torch.autograd.Function):
    """`take` in the order of `flip_index`, which undoes itself: the gradient is flipped, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        return take(x, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Flip.apply(gradient, *ctx.saved_tensors), None
