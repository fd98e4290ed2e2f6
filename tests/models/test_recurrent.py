"""Recurrent layers against a loop over time written from the equations, and exact under padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from audio_rnn.errors import ConfigError
from audio_rnn.features import valid_frames
from audio_rnn.models import recurrent
from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack, make_cell

CELLS = ("elman_tanh", "elman_relu", "gru", "lstm")
LENGTHS = torch.tensor([9, 4, 1, 7])
both_directions = pytest.mark.parametrize("bidirectional", [False, True])
every_cell = pytest.mark.parametrize("cell", CELLS)


def stack(inputs: int = 5, **options: object) -> RecurrentStack:
    """A small stack without dropout whose biases are not zero."""
    torch.manual_seed(0)
    config = RecurrentConfig(**{"hidden": 6, "layers": 2, "dropout": 0.0, **options})
    model = RecurrentStack(config, inputs)
    for name, parameter in model.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter, std=0.3)
    return model


def batch(inputs: int = 5, lengths: Tensor = LENGTHS) -> Tensor:
    """(batch, frames, inputs), whose padding is not zero."""
    return torch.randn(len(lengths), int(lengths.max()), inputs, generator=torch.manual_seed(1))


def step(kind: str, module: nn.RNNBase, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One frame x (inputs,) by the equations; h, c (hidden,)."""
    by_input = module.weight_ih_l0 @ x + module.bias_ih_l0
    by_state = module.weight_hh_l0 @ h + module.bias_hh_l0
    if kind == "elman_tanh":  # Elman 1990
        return torch.tanh(by_input + by_state), c
    if kind == "elman_relu":
        return torch.relu(by_input + by_state), c
    if kind == "gru":  # Cho et al. 2014, the reset gate after the matrix
        r, z = torch.sigmoid(by_input + by_state)[: 2 * len(h)].split(len(h))
        n = torch.tanh(by_input[-len(h) :] + r * by_state[-len(h) :])
        return (1 - z) * n + z * h, c
    i, f, g, o = (by_input + by_state).split(len(h))  # Hochreiter & Schmidhuber 1997; Gers 2000
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def loop(kind: str, module: nn.RNNBase, x: Tensor) -> Tensor:
    """(frames, inputs) -> (frames, hidden), frame by frame."""
    h = c = x.new_zeros(module.hidden_size)
    outputs = []
    for frame in x:
        h, c = step(kind, module, frame, h, c)
        outputs.append(h)
    return torch.stack(outputs)


def reference(model: RecurrentStack, x: Tensor, lengths: Tensor) -> Tensor:
    """The stack item by item, without padding; zeros are put where padding was."""
    items = []
    for item, length in zip(x, lengths.tolist(), strict=True):
        y = item[:length]
        for layer in model.layers:
            outputs = [loop(model.config.cell, layer.forwards, y)]
            if layer.backwards is not None:
                outputs.append(loop(model.config.cell, layer.backwards, y.flip(0)).flip(0))
            y = torch.cat(outputs, dim=-1)
        items.append(y)
    return nn.utils.rnn.pad_sequence(items, batch_first=True)


@every_cell
@both_directions
def test_values_and_gradients_are_those_of_the_equations(cell, bidirectional):
    model = stack(cell=cell, bidirectional=bidirectional).double()
    x = batch().double().requires_grad_()
    wanted = [x, *model.parameters()]
    ours, _ = model(x, LENGTHS)
    expected = reference(model, x, LENGTHS)
    torch.testing.assert_close(ours, expected, atol=1e-10, rtol=0)
    probe = torch.randn_like(expected)
    for a, b in zip(
        torch.autograd.grad((ours * probe).sum(), wanted),
        torch.autograd.grad((expected * probe).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=0)


@both_directions
def test_gradients_of_the_whole_layer_are_right(bidirectional):
    """Projection, norm and residual as well, against finite differences."""
    model = stack(
        bidirectional=bidirectional, projection=5, layer_norm=True, residual=True
    ).double()
    x = batch().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x, LENGTHS)[0], x, fast_mode=True)


TORCH = {"elman_tanh": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def copy_weights(model: RecurrentStack, peer: nn.RNNBase) -> None:
    """Give torch's own module with two directions the weights of a stack."""
    for number, layer in enumerate(model.layers):
        for module, suffix in ((layer.forwards, ""), (layer.backwards, "_reverse")):
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                theirs = getattr(peer, f"{kind}_l{number}{suffix}")
                theirs.data.copy_(getattr(module, f"{kind}_l0"))


@pytest.mark.parametrize("cell", TORCH)
def test_equal_to_packed_sequences(cell):
    model = stack(cell=cell)
    peer = TORCH[cell](5, 6, num_layers=2, bidirectional=True, batch_first=True)
    copy_weights(model, peer)
    x, theirs_x = (batch().requires_grad_() for _ in range(2))
    packed = pack_padded_sequence(theirs_x, LENGTHS, batch_first=True, enforce_sorted=False)
    theirs, _ = pad_packed_sequence(peer(packed)[0], batch_first=True)
    ours, _ = model(x, LENGTHS)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    torch.testing.assert_close(x.grad, theirs_x.grad, atol=1e-5, rtol=0)
    gradient = model.layers[0].backwards.weight_hh_l0.grad
    torch.testing.assert_close(gradient, peer.weight_hh_l0_reverse.grad, atol=1e-5, rtol=0)


@every_cell
@both_directions
@pytest.mark.parametrize("extras", [{}, {"projection": 5, "layer_norm": True, "residual": True}])
def test_an_item_alone_equals_itself_in_a_batch(cell, bidirectional, extras):
    model = stack(cell=cell, bidirectional=bidirectional, **extras)
    x = batch()
    together, _ = model(x, LENGTHS)
    for row, item, length in zip(together, x, LENGTHS.tolist(), strict=True):
        alone, _ = model(item[None, :length], torch.tensor([length]))
        torch.testing.assert_close(row[:length], alone[0], atol=1e-5, rtol=0)
        assert not row[length:].any()


@every_cell
@both_directions
def test_long_audio_in_sweeps_equals_one_pass(cell, bidirectional, monkeypatch):
    model = stack(cell=cell, bidirectional=bidirectional)
    lengths = torch.tensor([23, 8])
    x = batch(lengths=lengths)
    whole, whole_state = model(x, lengths)
    monkeypatch.setattr(recurrent, "SWEEP", 5)
    with torch.no_grad():
        swept, swept_state = model(x, lengths)
    torch.testing.assert_close(swept, whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(swept_state, whole_state, atol=1e-6, rtol=1e-5)


@every_cell
@pytest.mark.parametrize("chunk", [1, 4, 20])
def test_chunks_that_carry_the_state_equal_the_whole(cell, chunk):
    model = stack(cell=cell, bidirectional=False)
    x = batch(lengths=torch.tensor([20, 20]))
    whole, last = model(x, torch.tensor([20, 20]))
    state, outputs = None, []
    for piece in x.split(chunk, dim=1):
        y, state = model(piece, torch.full((2,), piece.shape[1]), state)
        outputs.append(y)
    torch.testing.assert_close(torch.cat(outputs, dim=1), whole, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(state, last, atol=1e-6, rtol=1e-5)


def test_two_directions_cannot_go_on_from_a_state():
    model = stack()
    _, state = model(batch(), LENGTHS)
    with pytest.raises(ValueError, match="two directions"):
        model(batch(), LENGTHS, state)


@pytest.mark.parametrize("cell", CELLS[:-1])
def test_recurrent_matrices_start_orthogonal(cell):
    for gate in make_cell(cell, 3, 16).weight_hh_l0.detach().split(16):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)


def test_a_relu_cell_starts_as_identity():
    assert torch.equal(make_cell("elman_relu", 3, 16).weight_hh_l0.detach(), torch.eye(16))


@every_cell
def test_biases_start_at_zero_but_the_forget_gate_s(cell):
    module = make_cell(cell, 3, 4)
    bias = sum(weight for name, weight in module.named_parameters() if "bias" in name).tolist()
    assert bias == [0.0] * 4 + [1.0] * 4 + [0.0] * 8 if cell == "lstm" else not any(bias)


@every_cell
def test_input_matrices_start_glorot_gate_by_gate(cell):
    bound = (6 / (200 + 100)) ** 0.5
    weight = make_cell(cell, 200, 100).weight_ih_l0.detach()
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.03)


def test_dropout_acts_between_layers_in_training_only():
    torch.manual_seed(0)
    x = batch()
    for layers, changes in ((1, False), (2, True)):
        model = RecurrentStack(RecurrentConfig(hidden=6, layers=layers, dropout=0.5), 5)
        assert torch.equal(model(x, LENGTHS)[0], model(x, LENGTHS)[0]) != changes
        model.eval()
        assert torch.equal(model(x, LENGTHS)[0], model(x, LENGTHS)[0])


def test_a_residual_needs_equal_widths():
    layers = stack(inputs=5, residual=True).layers
    assert [layer.residual for layer in layers] == [False, True]
    x, layer = batch(12), layers[1]
    added, _ = layer(x, LENGTHS)
    layer.residual = False
    plain, _ = layer(x, LENGTHS)
    inside = valid_frames(LENGTHS, x.shape[1]).unsqueeze(-1)
    torch.testing.assert_close(added, plain + x * inside)


@pytest.mark.parametrize(
    "options",
    [{"hidden": 0}, {"layers": 0}, {"projection": 0}, {"dropout": 1.0}, {"dropout": -0.1}],
)
def test_impossible_configs_are_refused(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ConfigError, match=f"{name}: found {value}, expected"):
        RecurrentConfig(**options)


def memory(module: nn.RNNBase, frames: int = 100) -> float:
    """Norm of the gradient of the last frame's output with respect to the state before the first.

    Without input the state of an Elman cell stays zero, where its non-linearity has slope one.
    """
    module = module.double()
    first = torch.zeros(1, 1, module.hidden_size, dtype=torch.float64, requires_grad=True)
    state = (torch.zeros_like(first), first) if isinstance(module, nn.LSTM) else first
    y, _ = module(torch.zeros(1, frames, module.input_size, dtype=torch.float64), state)
    (gradient,) = torch.autograd.grad(y[0, -1].sum(), first)
    return gradient.norm().item() / module.hidden_size**0.5


@pytest.mark.parametrize("radius", [0.8, 1.0, 1.2])
def test_an_elman_network_forgets_or_explodes_by_its_spectral_radius(radius):
    """Bengio et al. 1994; Pascanu et al. 2013."""
    torch.manual_seed(0)
    cell = make_cell("elman_tanh", 3, 16)
    cell.weight_hh_l0.data *= radius
    assert memory(cell) == pytest.approx(radius**100, rel=1e-3)


def test_a_forget_gate_s_bias_keeps_the_gradient_alive():
    """Jozefowicz et al. 2015: the gradient along the cell is a product of forget gates."""
    norms = []
    for bias in (0.0, 1.0, 5.0):
        torch.manual_seed(0)
        cell = make_cell("lstm", 3, 16)
        nn.init.constant_(cell.bias_ih_l0.detach()[16:32], bias)
        norms.append(memory(cell))
    assert norms[0] < 1e-6 * norms[1]
    assert norms[1] < 1e-6 * norms[2]
    elman = make_cell("elman_tanh", 3, 16)
    elman.weight_hh_l0.data *= 0.9
    assert norms[2] > 0.1 > 1000 * memory(elman)
