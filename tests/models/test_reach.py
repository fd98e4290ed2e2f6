"""How far back gradients reach: as the equations say, and as finite differences do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audio_rnn.models.reach import gradient_reach
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack


def stack(cell: str, **options: object) -> RecurrentStack:
    """One layer of 16 units over as many inputs."""
    torch.manual_seed(0)
    config = {"hidden": 16, "layers": 1, "bidirectional": False, "dropout": 0.0, **options}
    return RecurrentStack(RecurrentConfig(cell, **config), 16).double()


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_without_input_an_elman_network_multiplies_by_its_radius(radius: float) -> None:
    network = stack("elman_tanh")
    cell = network.layers[0].forwards
    cell.weight_hh_l0.data *= radius  # orthogonal in float32
    nn.init.eye_(cell.weight_ih_l0.data)
    reach = gradient_reach(network, torch.zeros(2, 40, 16, dtype=torch.float64))
    expected = radius ** torch.arange(40, dtype=torch.float64)
    torch.testing.assert_close(reach, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["elman_tanh", "gru", "lstm"])
def test_it_is_what_a_small_change_of_an_input_does(cell: str, bidirectional: bool) -> None:
    network = stack(cell, bidirectional=bidirectional)
    x = torch.randn(1, 7, 16, dtype=torch.float64, generator=torch.manual_seed(1))
    direction = torch.randn(32 if bidirectional else 16, generator=torch.manual_seed(0)).double()
    direction /= direction.norm()
    lengths = torch.tensor([7])

    def told(x: torch.Tensor) -> float:
        return float(network(x, lengths)[0][0, -1].detach() @ direction)

    changes = torch.eye(16, dtype=torch.float64) * 1e-6
    for n, found in enumerate(gradient_reach(network, x).tolist()):
        slopes = []
        for change in changes:
            moved = x.clone()
            moved[0, 6 - n] += change
            slopes.append((told(moved) - told(x)) / 1e-6)
        assert found == pytest.approx(torch.tensor(slopes).norm().item(), rel=1e-3)


def test_gates_that_stay_open_reach_farther() -> None:
    x = torch.randn(4, 100, 16, dtype=torch.float64, generator=torch.manual_seed(1))
    reach = {cell: gradient_reach(stack(cell), x)[-1] for cell in ("elman_tanh", "lstm")}
    network = stack("lstm")
    nn.init.constant_(network.layers[0].forwards.bias_ih_l0.data[16:32], 5.0)  # of the forget gate
    assert gradient_reach(network, x)[-1] > 1e6 * reach["lstm"]
    assert all(value.isfinite() for value in reach.values())
