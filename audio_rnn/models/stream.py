"""Networks around recurrent layers on frames that come piece by piece."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from audio_rnn.features.stages import Chain, Stage
from audio_rnn.models.recurrent import RecurrentLayer, RecurrentStack, State


class Network(Protocol):
    """What comes before recurrent layers, the layers, and what comes after them."""

    inputs: int  # values in a frame

    @property
    def recurrent(self) -> RecurrentStack:
        """(batch, steps, inputs) -> (batch, steps, width)."""

    def front_stage(self) -> Stage:
        """Frames (frames, inputs) -> steps (steps, inputs of the layers)."""

    def output_stage(self) -> Stage:
        """What the layers give (steps, width) -> (steps, outputs)."""


def causal_stream(model: Network) -> Stage:
    """A stage from frames (n, inputs) to outputs (m, outputs), for one direction: equal to the
    whole, however it is cut."""
    return Chain([model.front_stage(), Carried(model.recurrent), model.output_stage()])


def chunked_stream(model: Network, chunk: int, right: int) -> Stage:
    """The same for two directions, `chunk` steps at a time with `right` steps of future.

    What it gives depends on these two numbers, and not on how the frames come.
    """
    layers = Chunked(model.recurrent, chunk, right)
    return Chain([model.front_stage(), layers, model.output_stage()])


class Carried:
    """A stack with one direction as a stage: its state goes on from piece to piece."""

    def __init__(self, stack: RecurrentStack) -> None:
        self.stack = stack
        self.state: list[State] | None = None

    def __call__(self, x: Tensor, last: bool) -> Tensor:
        """The next steps (steps, inputs) -> (steps, width)."""
        if not len(x):
            return x.new_zeros(0, self.stack.config.width)
        lengths = torch.tensor([len(x)])
        y, self.state = self.stack(x[None], lengths, self.state)
        return y[0]


class Chunked:
    """A stack with two directions as a stage, chunk by chunk.

    The forward direction carries its state from chunk to chunk; the backward direction begins
    anew `right` steps after the end of each (latency-controlled: Zhang et al. 2016, "Highway long
    short-term memory RNNs for distant speech recognition").
    """

    def __init__(self, stack: RecurrentStack, chunk: int, right: int) -> None:
        self.stack, self.chunk, self.right = stack, chunk, right
        self.states: list[State | None] = [None] * len(stack.layers)
        self.held: Tensor | None = None

    def __call__(self, x: Tensor, last: bool) -> Tensor:
        """The next steps (steps, inputs) -> those of all chunks whose future is there."""
        held = x if self.held is None else torch.cat([self.held, x])
        done = [x.new_zeros(0, self.stack.config.width)]
        while len(held) >= self.chunk + self.right or (last and len(held)):
            done.append(self._run(held[: self.chunk + self.right]))
            held = held[self.chunk :]
        self.held = held
        return torch.cat(done)

    def _run(self, x: Tensor) -> Tensor:
        y = x[None]
        for i, layer in enumerate(self.stack.layers):
            assert isinstance(layer, RecurrentLayer)
            y, self.states[i] = layer.chunk(y, self.chunk, self.states[i])
        return y[0, : self.chunk]
