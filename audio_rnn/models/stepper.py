"""A model of sequences, one step at a time on the CPU: for generation.

A step of a recurrent network is a few matrices times a few vectors, where frameworks spend their time
on preparing. Here the embedding and the first layer's input matrix are one table, and so are those of
hints; the rest is compiled (`models/compiled.py`), and a sequence gives the same numbers to the bit
alone or among others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit
from torch import Tensor, nn

from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.midi.hints import no_memory, read_on
from audio_rnn.models.compiled import in_panels, multiply, update_gru, update_lstm
from audio_rnn.models.sequence import SequenceModel

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
        self.recurrent = [Product(c.weight_hh_l0, c.bias_hh_l0) for c in cells]
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


class Product:
    """x (batch, width) -> x @ weight.T + bias (batch, outputs), the same for any batch."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.panels, self.bias = in_panels(_array(weight).T), _array(bias).copy()

    def __call__(self, x: Array) -> Array:
        return multiply(x, self.panels, self.bias)


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().float().numpy()


@njit(cache=True, nogil=True)
def add_rows(table: Array, ids: Array, sums: Array) -> None:
    """sums (batch, width) += the rows of a table that ids (batch, columns) name."""
    for row in range(len(ids)):
        for n in ids[row]:
            sums[row] += table[n]


def _gru(given: Array, recurrent: Array, state: Layer) -> Layer:
    return (update_gru(given, recurrent, state[0]),)


def _lstm(given: Array, recurrent: Array, state: Layer) -> Layer:
    return update_lstm(given, recurrent, state[1])


def _elman_tanh(given: Array, recurrent: Array, state: Layer) -> Layer:
    return (np.tanh(given + recurrent),)


def _elman_relu(given: Array, recurrent: Array, state: Layer) -> Layer:
    return (np.maximum(given + recurrent, 0),)


UPDATES: dict[str, Callable[[Array, Array, Layer], Layer]] = {
    "gru": _gru,
    "lstm": _lstm,
    "elman_tanh": _elman_tanh,
    "elman_relu": _elman_relu,
}
