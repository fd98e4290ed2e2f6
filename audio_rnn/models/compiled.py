"""Compiled parts of one step of a network: products of matrices, and what cells make of them.

A step of one sequence is as fast as its weights can be read. So they stand in panels of a few outputs
each, in the order in which they are read. Every output sums its columns from the first to the last,
however many sequences there are: a sequence gets the same numbers to the bit alone or among others.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.compiling import tell_of_compiling
from audio_rnn.models.tile import PANEL, ROWS, tile

tell_of_compiling()
Array = np.ndarray
add_most, add_four, add_two, add_one = (tile(rows) for rows in (ROWS, 4, 2, 1))
# A product and a sum may become one operation, rounded once; nothing else may be changed. Several
# threads may compute at once
compiled = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")


@compiled
def multiply(x: Array, panels: Array, bias: Array) -> Array:
    """x (rows, width) @ `in_panels(columns)` + bias (outputs,) -> (rows, outputs); all contiguous."""
    rows, outputs, count = len(x), len(bias), len(panels)
    sums = np.empty((rows, count * PANEL), np.float32)
    for r in range(rows):
        sums[r, :outputs] = bias
        sums[r, outputs:] = 0
    add_product(x, panels, sums)
    return sums if sums.shape[1] == outputs else sums[:, :outputs].copy()


@compiled
def add_product(x: Array, panels: Array, sums: Array) -> None:
    """sums (rows, panels * PANEL) += x (rows, width) @ `in_panels(columns)`; all contiguous."""
    rows = len(x)
    for panel in range(len(panels)):
        row = 0
        while row + ROWS <= rows:
            add_most(x, row, panels, panel, sums)
            row += ROWS
        while row + 4 <= rows:
            add_four(x, row, panels, panel, sums)
            row += 4
        while row + 2 <= rows:
            add_two(x, row, panels, panel, sums)
            row += 2
        if row < rows:
            add_one(x, row, panels, panel, sums)


def in_panels(columns: Array) -> Array:
    """columns (width, outputs) -> (panels, width, PANEL), with zeros for outputs that there are not."""
    width, outputs = columns.shape
    padded = np.pad(columns, ((0, 0), (0, -outputs % PANEL)))
    return np.ascontiguousarray(padded.reshape(width, -1, PANEL).swapaxes(0, 1))


@compiled
def update_gru(given: Array, recurrent: Array, h: Array) -> Array:
    """The next state (rows, hidden) of a GRU, from what its input and its state give its gates."""
    rows, size = h.shape
    after = np.empty((rows, size), np.float32)
    for r in range(rows):
        g, w = given[r], recurrent[r]
        for n in range(size):
            reset = sigmoid(g[n] + w[n])
            keep = sigmoid(g[size + n] + w[size + n])
            new = tanh(g[2 * size + n] + reset * w[2 * size + n])
            after[r, n] = new + keep * (h[r, n] - new)
    return after


@compiled
def update_lstm(given: Array, recurrent: Array, c: Array) -> tuple[Array, Array]:
    """The next state and cells (rows, hidden) of an LSTM, likewise."""
    rows, size = c.shape
    after, cells = np.empty((rows, size), np.float32), np.empty((rows, size), np.float32)
    for r in range(rows):
        g, w = given[r], recurrent[r]
        for n in range(size):
            take, keep = sigmoid(g[n] + w[n]), sigmoid(g[size + n] + w[size + n])
            new = tanh(g[2 * size + n] + w[2 * size + n])
            cells[r, n] = keep * c[r, n] + take * new
            after[r, n] = sigmoid(g[3 * size + n] + w[3 * size + n]) * tanh(cells[r, n])
    return after, cells


@compiled
def sigmoid(x: np.float32) -> np.float32:
    """Of one number in float32."""
    half = np.float32(0.5)
    return half + half * tanh(half * x)


@compiled
def tanh(x: np.float32) -> np.float32:
    """Of one number in float32, within 2e-7: Lambert's fraction at a quarter, doubled twice."""
    one, two = np.float32(1), np.float32(2)
    x = min(max(x, np.float32(-9)), np.float32(9))  # beyond it is as good as 1
    x *= np.float32(0.25)
    s = x * x
    above = np.float32(135135) + s * (np.float32(17325) + s * (np.float32(378) + s))
    below = np.float32(62370) + s * (np.float32(3150) + s * np.float32(28))
    t = x * above / (np.float32(135135) + s * below)
    t = two * t / (one + t * t)
    return two * t / (one + t * t)
