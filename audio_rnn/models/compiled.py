"""Compiled parts of one step of a network: products of matrices, and what cells make of them.

A step of one sequence is as fast as its weights can be read. So they stand column by column, and are
read in order, eight columns at a time, which are added to a tile of the outputs that the nearest cache
holds. Every output sums its columns from the first to the last, however many sequences there are: a
sequence gets the same numbers to the bit alone or among others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from audio_rnn.compiling import tell_of_compiling

tell_of_compiling()
TILE = 512  # outputs
Array = np.ndarray
# A product and a sum may become one operation, rounded once; nothing else may be changed. Several
# threads may compute at once
compiled = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")


@compiled
def multiply(x: Array, columns: Array, bias: Array) -> Array:
    """x (rows, width) @ columns (width, outputs) + bias (outputs,)."""
    rows, (width, outputs) = len(x), columns.shape
    sums = np.empty((rows, outputs), np.float32)
    for first in range(0, outputs, TILE):
        last = min(first + TILE, outputs)
        for r in range(rows):
            sums[r, first:last] = bias[first:last]
        for k in range(0, width - 7, 8):
            _add_eight(x, columns, sums, k, first, last)
        for k in range(width - width % 8, width):
            for r in range(rows):
                for n in range(first, last):
                    sums[r, n] += x[r, k] * columns[k, n]
    return sums


@compiled
def _add_eight(x: Array, columns: Array, sums: Array, k: int, first: int, last: int) -> None:
    """sums += x[:, k : k + 8] @ columns[k : k + 8], of some outputs; four rows share what they read."""
    c0, c1 = columns[k, first:last], columns[k + 1, first:last]
    c2, c3 = columns[k + 2, first:last], columns[k + 3, first:last]
    c4, c5 = columns[k + 4, first:last], columns[k + 5, first:last]
    c6, c7 = columns[k + 6, first:last], columns[k + 7, first:last]
    fours = len(x) - len(x) % 4
    for r in range(0, fours, 4):
        a0, a1, a2, a3 = (
            _eight(x, r, k),
            _eight(x, r + 1, k),
            _eight(x, r + 2, k),
            _eight(x, r + 3, k),
        )
        s0, s1 = sums[r, first:last], sums[r + 1, first:last]
        s2, s3 = sums[r + 2, first:last], sums[r + 3, first:last]
        for n in range(last - first):
            c = (c0[n], c1[n], c2[n], c3[n], c4[n], c5[n], c6[n], c7[n])
            s0[n] = _add(s0[n], a0, c)
            s1[n] = _add(s1[n], a1, c)
            s2[n] = _add(s2[n], a2, c)
            s3[n] = _add(s3[n], a3, c)
    for r in range(fours, len(x)):
        a, s = _eight(x, r, k), sums[r, first:last]
        for n in range(last - first):
            c = (c0[n], c1[n], c2[n], c3[n], c4[n], c5[n], c6[n], c7[n])
            s[n] = _add(s[n], a, c)


@compiled
def _eight(x: Array, r: int, k: int) -> Any:
    row = x[r]
    return (
        row[k],
        row[k + 1],
        row[k + 2],
        row[k + 3],
        row[k + 4],
        row[k + 5],
        row[k + 6],
        row[k + 7],
    )


@compiled
def _add(total: float, a: Any, c: Any) -> float:
    total = total + a[0] * c[0] + a[1] * c[1] + a[2] * c[2] + a[3] * c[3]
    return total + a[4] * c[4] + a[5] * c[5] + a[6] * c[6] + a[7] * c[7]


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
