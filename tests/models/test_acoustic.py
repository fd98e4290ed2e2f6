"""The acoustic model: exact under padding with every front, stride and kind of layer."""

from __future__ import annotations

import pytest
import torch

from audio_rnn.errors import ConfigError
from audio_rnn.models.acoustic import AcousticConfig, AcousticModel, FrameConvolution, FrameStack
from audio_rnn.models.recurrent import RecurrentConfig

LENGTHS = torch.tensor([17, 9, 1, 12])
LAYERS = (
    {"cell": "lstm"},
    {"cell": "gru", "projection": 8, "layer_norm": True, "residual": True},
    {"cell": "elman_relu", "bidirectional": False, "residual": True},
)


def model(**options: object) -> AcousticModel:
    torch.manual_seed(0)
    recurrent = RecurrentConfig(**{"hidden": 8, "layers": 2, **options.pop("recurrent", {})})
    return AcousticModel(AcousticConfig(channels=7, recurrent=recurrent, **options), 5, 6).eval()


def frames() -> torch.Tensor:
    """(batch, frames, inputs), whose padding is not zero."""
    return torch.randn(len(LENGTHS), int(LENGTHS.max()), 5, generator=torch.manual_seed(1))


@pytest.mark.parametrize("front", ["stack", "convolution"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("layers", LAYERS)
def test_an_item_alone_equals_itself_in_a_batch(front, stride, layers):
    acoustic = model(front=front, stride=stride, recurrent=layers)
    x = frames()
    together, steps = acoustic(x, LENGTHS)
    assert steps.tolist() == [-(-n // stride) for n in LENGTHS.tolist()]
    for row, item, n, k in zip(together, x, LENGTHS.tolist(), steps.tolist(), strict=True):
        alone, alone_steps = acoustic(item[None, :n], torch.tensor([n]))
        assert alone_steps.tolist() == [k]
        torch.testing.assert_close(row[:k], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("front", ["stack", "convolution"])
def test_more_padding_changes_nothing(front):
    acoustic = model(front=front)
    x = frames()
    wider = torch.cat([x, torch.full((4, 30, 5), 1e3)], dim=1)
    before, steps = acoustic(x, LENGTHS)
    after, _ = acoustic(wider, LENGTHS)
    for a, b, k in zip(before, after, steps.tolist(), strict=True):
        torch.testing.assert_close(a[:k], b[:k], atol=1e-5, rtol=0)


def test_the_order_of_a_batch_changes_nothing():
    acoustic = model()
    x, order = frames(), torch.tensor([2, 0, 3, 1])
    straight, _ = acoustic(x, LENGTHS)
    shuffled, steps = acoustic(x[order], LENGTHS[order])
    for a, b, k in zip(straight[order], shuffled, steps.tolist(), strict=True):
        torch.testing.assert_close(a[:k], b[:k], atol=1e-5, rtol=0)


def test_outputs_are_log_probabilities():
    log_probs, _ = model()(frames(), LENGTHS)
    assert log_probs.shape == (4, 6, 6)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(4, 6))


def test_a_loss_on_valid_steps_reaches_valid_frames_only():
    x = frames().requires_grad_()
    log_probs, steps = model(front="convolution")(x, LENGTHS)
    sum(row[:k].square().sum() for row, k in zip(log_probs, steps.tolist())).backward()
    for gradient, length in zip(x.grad, LENGTHS.tolist(), strict=True):
        assert gradient[:length].abs().sum(-1).all()
        assert not gradient[length:].any()


def test_stacking_joins_frames_and_fills_the_last_step():
    x = torch.arange(1.0, 11).reshape(1, 5, 2)
    steps = [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 0, 0]]
    assert FrameStack(3)(x)[0].tolist() == steps


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("length", [1, 2, 3, 8, 9, 12])
def test_both_fronts_make_as_many_steps(stride, length):
    x = torch.zeros(1, length, 5)
    convolution = FrameConvolution(AcousticConfig(stride=stride), 5)
    assert convolution(x).shape[1] == FrameStack(stride)(x).shape[1] == -(-length // stride)


@pytest.mark.parametrize("options", [{"stride": 0}, {"channels": 0}, {"dropout": 1.0}])
def test_impossible_configs_are_refused(options):
    name, value = next(iter(options.items()))
    with pytest.raises(ConfigError, match=f"{name}: found {value}, expected"):
        AcousticConfig(**options)
