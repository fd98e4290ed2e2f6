"""A GRU over whole sequences on the CPU, with its gradients: one compiled loop each.

torch makes a dozen calls a step, and more for the gradients, which take longer than what they compute.
Here the products with the input are one for all steps, and so is the gradient of the recurrent matrix.
What is left of a step is one product with the state, and a few loops over its numbers, which are short
so that LLVM makes vectors of them: it does not where it would have to compare many addresses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from audio_rnn.models.compiled import Array, add_product, compiled, in_panels, sigmoid, tanh
from audio_rnn.models.tile import PANEL

ONE = np.float32(1)


def runs_compiled(cell: nn.RNNBase, x: Tensor) -> bool:
    """Whether `run_gru` can take the place of `cell` for x."""
    plain = x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return isinstance(cell, nn.GRU) and x.device.type == "cpu" and plain


def run_gru(cell: nn.RNNBase, x: Tensor, first: Tensor | None) -> tuple[Tensor, Tensor]:
    """What `cell` makes of x, with the same weights.

    Args:
        x: (batch, steps, inputs) float32 on the CPU, one step or more.
        first: the state (1, batch, hidden) before the first step; None: zeros.

    Returns:
        states (batch, steps, hidden), and the last one, (1, batch, hidden).
    """
    inputs, weight, inputs_bias, bias = cell.all_weights[0]
    h = x.new_zeros(len(x), cell.hidden_size) if first is None else first[0]
    given = linear(x, inputs, inputs_bias)
    y = _Recurrence.apply(given, weight, bias, h, torch.is_grad_enabled())
    return y, y[None, :, -1].clone()


class _Recurrence(torch.autograd.Function):
    """What the input gives the gates (batch, steps, 3 * hidden) -> states (batch, steps, hidden)."""

    @staticmethod
    def forward(
        ctx: Any, given: Tensor, weight: Tensor, bias: Tensor, first: Tensor, learns: bool
    ) -> Tensor:
        batch, steps, hidden = len(given), given.shape[1], first.shape[1]
        kept = steps if learns else 1
        y, past = given.new_empty(batch, steps, hidden), given.new_empty(batch, kept, hidden)
        gates = given.new_empty(batch, kept, 4 * hidden)
        arrays = [t.contiguous().numpy() for t in (given, bias, first, past, gates, y)]
        run_forwards(in_panels(weight.numpy().T), *arrays)
        ctx.save_for_backward(weight, past, gates)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_y: Tensor) -> tuple[Tensor | None, ...]:
        weight, past, gates = ctx.saved_tensors
        hidden = weight.shape[1]
        panels = in_panels(weight.roll(hidden, 0).numpy())  # in the order of `by_gates`
        by_gates, by_first = torch.empty_like(gates), past.new_empty(len(past), hidden)
        arrays = [t.contiguous().numpy() for t in (past, gates, by_y, by_gates, by_first)]
        run_backwards(panels, *arrays)
        recurrent = by_gates[..., : 3 * hidden].flatten(0, 1)
        by_weight = (recurrent.T @ past.flatten(0, 1)).roll(-hidden, 0)
        by_bias = recurrent.sum(0).roll(-hidden, 0)
        return by_gates[..., hidden:], by_weight, by_bias, by_first, None


@compiled
def run_forwards(
    panels: Array, given: Array, bias: Array, first: Array, past: Array, gates: Array, y: Array
) -> None:
    """Fill y with the states; `past` (batch, kept, hidden) with those before them; `gates` (batch, kept,
    4 * hidden) with reset, keep, what the state gives to the new one, and the new one.

    Where fewer are kept than there are steps, the last place is that of all others.
    """
    batch, steps, hidden = y.shape
    h, sums = first.copy(), np.zeros((batch, len(panels) * PANEL), np.float32)
    for step in range(steps):
        for row in range(batch):
            sums[row, : 3 * hidden] = bias
        add_product(h, panels, sums)
        place = min(step, past.shape[1] - 1)
        for row in range(batch):
            past[row, place] = h[row]
            step_forwards(given[row, step], sums[row], h[row], gates[row, place])
            y[row, step] = h[row]


@compiled
def step_forwards(given: Array, sums: Array, h: Array, gates: Array) -> None:
    """A step of one sequence: h becomes the next state."""
    size = len(h)
    keep, new = gates[size : 2 * size], gates[3 * size :]
    for n in range(2 * size):
        gates[n] = sigmoid(given[n] + sums[n])
    for n in range(size):
        gates[2 * size + n] = sums[2 * size + n]
    for n in range(size):
        new[n] = tanh(given[2 * size + n] + gates[n] * gates[2 * size + n])
    for n in range(size):
        h[n] = new[n] + keep[n] * (h[n] - new[n])


@compiled
def run_backwards(
    panels: Array, past: Array, gates: Array, by_y: Array, by_gates: Array, by_first: Array
) -> None:
    """Fill `by_first` (batch, hidden), and `by_gates` (batch, steps, 4 * hidden): of what the state gives
    to the new one, and of the sums in reset, keep and the new one."""
    batch, steps, hidden = by_y.shape
    by_h = np.zeros((batch, len(panels) * PANEL), np.float32)
    recurrent = np.empty((batch, 3 * hidden), np.float32)
    for step in range(steps - 1, -1, -1):
        for row in range(batch):
            state, by = by_h[row, :hidden], by_gates[row, step]
            for n in range(hidden):
                state[n] += by_y[row, step, n]
            step_backwards(past[row, step], gates[row, step], state, by)
            recurrent[row] = by[: 3 * hidden]
        add_product(recurrent, panels, by_h)
    by_first[:] = by_h[:, :hidden]


@compiled
def step_backwards(past: Array, gates: Array, by_h: Array, by_gates: Array) -> None:
    """A step of one sequence: `by_h` becomes what the step before gets along `keep`."""
    size = len(by_h)
    reset, keep = gates[:size], gates[size : 2 * size]
    inner, new = gates[2 * size : 3 * size], gates[3 * size :]
    by_inner, by_reset = by_gates[:size], by_gates[size : 2 * size]
    by_keep, by_new = by_gates[2 * size : 3 * size], by_gates[3 * size :]
    for n in range(size):
        by_new[n] = by_h[n] * (ONE - keep[n]) * (ONE - new[n] * new[n])
    for n in range(size):
        by_keep[n] = by_h[n] * (past[n] - new[n]) * keep[n] * (ONE - keep[n])
    for n in range(size):
        by_inner[n] = by_new[n] * reset[n]
    for n in range(size):
        by_reset[n] = by_inner[n] * inner[n] * (ONE - reset[n])
    for n in range(size):
        by_h[n] *= keep[n]
