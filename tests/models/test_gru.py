"""The compiled GRU is torch's: values, gradients, and what is not finite."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from audio_rnn.models.gru import run_gru, runs_compiled
from audio_rnn.models.tile import PANEL


def make(inputs: int, hidden: int) -> nn.GRU:
    torch.manual_seed(0)
    return nn.GRU(inputs, hidden, batch_first=True)


def learned(cell: nn.GRU, x: Tensor, first: Tensor, compiled: bool) -> list[Tensor]:
    """States, the last one, and the gradients of everything for a sum that weighs each number."""
    wanted = [x.clone().requires_grad_(), first.clone().requires_grad_(), *cell.parameters()]
    y, last = run_gru(cell, wanted[0], wanted[1]) if compiled else cell(wanted[0], wanted[1])
    weigh = torch.randn(y.shape, generator=torch.manual_seed(1)).to(y)
    total = (y * weigh).sum() + last.square().sum()
    return [y, last, *torch.autograd.grad(total, wanted)]


@pytest.mark.parametrize(
    ("batch", "steps", "hidden"), [(1, 1, 1), (3, 7, 20), (14, 40, PANEL), (9, 12, 2 * PANEL + 5)]
)
def test_values_and_gradients_are_those_of_torch(batch: int, steps: int, hidden: int):
    cell = make(6, hidden)
    x, first = 2 * torch.randn(batch, steps, 6), torch.randn(1, batch, hidden)
    ours = learned(cell, x, first, compiled=True)
    exact = learned(cell.double(), x.double(), first.double(), compiled=False)
    for found, expected in zip(ours, exact, strict=True):
        assert found.shape == expected.shape
        close = 2e-6 * max(1.0, expected.abs().max().item())
        torch.testing.assert_close(found.double(), expected, atol=close, rtol=0)


def test_gradients_that_lie_across_memory_are_read_right():
    cell, x = make(6, 20), torch.randn(3, 7, 6)
    across = torch.randn(7, 20, 3).permute(2, 0, 1)
    found = torch.autograd.grad(run_gru(cell, x, None)[0], cell.parameters(), across)
    expected = torch.autograd.grad(cell(x)[0], cell.parameters(), across)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_without_gradients_values_are_the_same_to_the_bit():
    cell, x = make(6, 20), torch.randn(3, 7, 6)
    with torch.enable_grad():
        expected = run_gru(cell, x, None)
    assert all(torch.equal(a, b) for a, b in zip(run_gru(cell, x, None), expected, strict=True))


def test_a_sequence_that_is_not_finite_shows_and_leaves_others_alone():
    cell, x = make(6, 40), torch.randn(5, 4, 6)
    clean, _ = run_gru(cell, x, None)
    x[2, 1, 3] = float("nan")
    y, last = run_gru(cell, x, None)
    assert y[2, 1:].isnan().all() and last[0, 2].isnan().all()
    others = [0, 1, 3, 4]
    torch.testing.assert_close(y[others], clean[others])


def test_a_sequence_has_the_same_states_alone_or_among_others_to_the_bit():
    cell, first = make(6, 40), torch.randn(1, 11, 40)
    nn.init.zeros_(cell.weight_ih_l0)  # torch's product, which is not ours, then gives zeros
    x = torch.randn(11, 5, 6)
    together, _ = run_gru(cell, x, first)
    for row in range(11):
        alone, _ = run_gru(cell, x[row : row + 1], first[:, row : row + 1])
        assert torch.equal(alone[0], together[row])


def test_other_cells_and_precisions_are_left_to_torch():
    x = torch.randn(1, 3, 6)
    assert runs_compiled(make(6, 4), x)
    assert not runs_compiled(nn.LSTM(6, 4), x)
    assert not runs_compiled(make(6, 4), x.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not runs_compiled(make(6, 4), x)
