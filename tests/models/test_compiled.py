"""Compiled products and gates: right, and the same for a row alone or among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audio_rnn.models.compiled import in_panels, multiply, sigmoid, tanh, update_gru, update_lstm
from audio_rnn.models.tile import PANEL


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 11, 64])
@pytest.mark.parametrize(("width", "outputs"), [(8, 5), (37, PANEL), (5, PANEL + 3), (64, 100)])
def test_products_are_right_and_the_same_for_a_row_alone(rows: int, width: int, outputs: int):
    x, columns, bias = draw(rows, width), draw(width, outputs, seed=1), draw(outputs, seed=2)
    panels = in_panels(columns)
    found = multiply(x, panels, bias)
    exact = x.astype(float) @ columns.astype(float) + bias
    np.testing.assert_allclose(found, exact, atol=1e-5 * width**0.5)
    for row in range(rows):
        assert np.array_equal(multiply(x[row : row + 1], panels, bias)[0], found[row])


def test_curves_are_those_of_numpy_to_the_last_digits():
    x = np.concatenate((np.linspace(-20, 20, 4001), [-1e30, 0, 1e-6, 1e30])).astype(np.float32)
    exact = np.tanh(x.astype(float))
    assert max(abs(tanh(v) - e) for v, e in zip(x, exact)) < 2e-7
    halves = 0.5 + 0.5 * np.tanh(x.astype(float) / 2)
    assert max(abs(sigmoid(v) - e) for v, e in zip(x, halves)) < 2e-7


def test_cells_are_those_of_torch():
    given, recurrent, h, c = draw(3, 80), draw(3, 80, seed=1), draw(3, 20, seed=2), draw(3, 20)
    expected = torch.lstm_cell(
        torch.eye(4)[:3],
        (torch.from_numpy(h), torch.from_numpy(c)),
        torch.from_numpy(np.concatenate((given, np.zeros((1, 80), np.float32))).T.copy()),
        torch.zeros(80, 20),
        torch.zeros(80),
        torch.zeros(80),
    )
    found = update_lstm(given, np.zeros_like(recurrent), c)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-6)
    reset, keep = 1 / (1 + np.exp(-(given[:, :40] + recurrent[:, :40]))).reshape(3, 2, 20).swapaxes(
        0, 1
    )
    new = np.tanh(given[:, 40:60] + reset * recurrent[:, 40:60])
    gru = update_gru(given[:, :60].copy(), recurrent[:, :60].copy(), h)
    np.testing.assert_allclose(gru, (1 - keep) * new + keep * h, atol=1e-6)
