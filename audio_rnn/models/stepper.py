"""A model of sequences, one step at a time on the CPU: for generation.

A step of a recurrent network is a few matrices times a few vectors, where frameworks spend their time
on preparing. Here the embedding and the first layer's input matrix are one table, the products are
compiled, and a sequence gives the same numbers to the bit alone or among others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit
from torch import Tensor, nn

from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.midi.hints import no_memory, read_on
from audio_rnn.models.minimal import MinimalGRU
from audio_rnn.models.sequence import SequenceModel

ROWS, OUTPUTS = 2, 8  # of a tile of a matrix product, which share what they read
Array = np.ndarray
# State of a layer: (h,) or (h, c), each (batch, hidden) float32; of hints: (memory,)
Layer = tuple[Array, ...]


class Stepper:
    """The same network as a `SequenceModel`; its weights are copied."""

    def __init__(self, model: SequenceModel) -> None:
        cells = [cast(Any, layer).forwards for layer in model.recurrent.layers]
        first = cells[0]
        inputs = _array(model.embedding.weight) * model.scale
        self.table = inputs @ _array(first.weight_ih_l0).T + _array(first.bias_ih_l0)
        self.hints = None
        if model.hints is not None:
            self.hints = _array(model.hints.weight) @ _array(first.weight_ih_l0).T
        self.inputs = [Product(c.weight_ih_l0, c.bias_ih_l0) for c in cells[1:]]
        self.recurrent = [_recurrent(cell) for cell in cells]
        self.update = UPDATES[model.config.cell]
        self.hidden, self.parts = int(first.hidden_size), 2 if model.config.cell == "lstm" else 1
        heads = [part for part in (model.bridge, model.output) if isinstance(part, nn.Linear)]
        self.heads = [Product(head.weight, head.bias) for head in heads]

    def start(self, batch: int) -> tuple[Array, list[Layer]]:
        """Logits (batch, symbols) of a first symbol, and the state after the boundary."""
        zeros = np.zeros((batch, self.hidden), np.float32)
        state: list[Layer] = [(zeros,) * self.parts for _ in self.recurrent]
        if self.hints is not None:
            state.append((no_memory(batch),))
        return self.step(np.full(batch, BOUNDARY), state)

    def step(self, symbols: Array, state: list[Layer]) -> tuple[Array, list[Layer]]:
        """Read one more symbol of each sequence.

        Args:
            symbols: (batch,) ids.
            state: what the step before returned, which may be indexed along the batch.

        Returns:
            logits (batch, symbols) of what comes next, not normalised, and the state.
        """
        given, after, layers = self.table[symbols], [], state
        if self.hints is not None:
            *layers, (memory,) = state
            memory = memory.copy()
            add_rows(self.hints, read_on(symbols, memory), given)
        for i, layer in enumerate(layers):
            new = self.update(given, self.recurrent[i](layer[0]), layer)
            after.append(new)
            given = self.inputs[i](new[0]) if i < len(self.inputs) else new[0]
        if self.hints is not None:
            after.append((memory,))
        for head in self.heads:
            given = head(given)
        return given, after


def choose_rows(state: list[Layer], rows: Array) -> list[Layer]:
    """The state of some sequences of a batch, by index or by mask."""
    return [tuple(part[rows] for part in layer) for layer in state]


def _recurrent(cell: Any) -> Callable[[Array], Array]:
    """What a cell makes of its state before it meets the input."""
    if isinstance(cell, MinimalGRU):
        return lambda h: h
    return Product(cell.weight_hh_l0, cell.bias_hh_l0)


class Product:
    """x (batch, width) -> x @ weight.T + bias (batch, outputs), the same for any batch."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.outputs = len(bias)
        self.weight = _fill(_array(weight), OUTPUTS)
        self.bias = _fill(_array(bias)[:, None], OUTPUTS)[:, 0].copy()

    def __call__(self, x: Array) -> Array:
        filled = _fill(x, ROWS)
        product = np.empty((len(filled), len(self.weight)), np.float32)
        multiply(filled, self.weight, self.bias, product)
        return product[: len(x), : self.outputs]


def _fill(rows: Array, tile: int) -> Array:
    """Rows of zeros added where they are needed to make whole tiles."""
    if len(rows) % tile == 0:
        return np.ascontiguousarray(rows)
    filled = np.zeros((len(rows) + -len(rows) % tile, rows.shape[1]), np.float32)
    filled[: len(rows)] = rows
    return filled


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().float().numpy()


@njit(cache=True, fastmath=True, error_model="numpy")
def multiply(x: Array, weight: Array, bias: Array, product: Array) -> None:
    """product = x @ weight.T + bias; x (rows, width), weight (outputs, width), in whole tiles.

    Every product of a row and an output is summed in the same order, wherever they stand: there is
    one loop for all. Its sixteen sums are as many as registers hold.
    """
    o = np.float32(0)
    for n in range(0, weight.shape[0], 8):
        w0, w1, w2, w3 = weight[n], weight[n + 1], weight[n + 2], weight[n + 3]
        w4, w5, w6, w7 = weight[n + 4], weight[n + 5], weight[n + 6], weight[n + 7]
        for r in range(0, x.shape[0], 2):
            x0, x1 = x[r], x[r + 1]
            a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = o
            b0 = b1 = b2 = b3 = b4 = b5 = b6 = b7 = o
            for k in range(weight.shape[1]):
                a, b = x0[k], x1[k]
                a0, b0 = a0 + a * w0[k], b0 + b * w0[k]
                a1, b1 = a1 + a * w1[k], b1 + b * w1[k]
                a2, b2 = a2 + a * w2[k], b2 + b * w2[k]
                a3, b3 = a3 + a * w3[k], b3 + b * w3[k]
                a4, b4 = a4 + a * w4[k], b4 + b * w4[k]
                a5, b5 = a5 + a * w5[k], b5 + b * w5[k]
                a6, b6 = a6 + a * w6[k], b6 + b * w6[k]
                a7, b7 = a7 + a * w7[k], b7 + b * w7[k]
            p, q, c = product[r, n : n + 8], product[r + 1, n : n + 8], bias[n : n + 8]
            p[0], p[1], p[2], p[3] = a0 + c[0], a1 + c[1], a2 + c[2], a3 + c[3]
            p[4], p[5], p[6], p[7] = a4 + c[4], a5 + c[5], a6 + c[6], a7 + c[7]
            q[0], q[1], q[2], q[3] = b0 + c[0], b1 + c[1], b2 + c[2], b3 + c[3]
            q[4], q[5], q[6], q[7] = b4 + c[4], b5 + c[5], b6 + c[6], b7 + c[7]


@njit(cache=True)
def add_rows(table: Array, ids: Array, sums: Array) -> None:
    """sums (batch, width) += the rows of a table that ids (batch, columns) name."""
    for row in range(len(ids)):
        for n in ids[row]:
            sums[row] += table[n]


def _sigmoid(x: Array) -> Array:
    return 0.5 * np.tanh(0.5 * x) + np.float32(0.5)


def _gru(given: Array, recurrent: Array, state: Layer) -> Layer:
    h = state[0]
    size = h.shape[1]
    gates = _sigmoid(given[:, : 2 * size] + recurrent[:, : 2 * size])
    reset, keep = gates[:, :size], gates[:, size:]
    new = np.tanh(given[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    return (new + keep * (h - new),)


def _lstm(given: Array, recurrent: Array, state: Layer) -> Layer:
    size = state[0].shape[1]
    total = given + recurrent
    gates = _sigmoid(total)
    take, keep, give = gates[:, :size], gates[:, size : 2 * size], gates[:, 3 * size :]
    c = keep * state[1] + take * np.tanh(total[:, 2 * size : 3 * size])
    return give * np.tanh(c), c


def _mingru(given: Array, recurrent: Array, state: Layer) -> Layer:
    h, size = state[0], state[0].shape[1]
    new = np.maximum(given[:, size:], 0) + np.minimum(_sigmoid(given[:, size:]), np.float32(0.5))
    return (h + _sigmoid(given[:, :size]) * (new - h),)


def _elman_tanh(given: Array, recurrent: Array, state: Layer) -> Layer:
    return (np.tanh(given + recurrent),)


def _elman_relu(given: Array, recurrent: Array, state: Layer) -> Layer:
    return (np.maximum(given + recurrent, 0),)


UPDATES: dict[str, Callable[[Array, Array, Layer], Layer]] = {
    "gru": _gru,
    "lstm": _lstm,
    "elman_tanh": _elman_tanh,
    "elman_relu": _elman_relu,
    "mingru": _mingru,
}
