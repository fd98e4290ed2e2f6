"""Both directions of a layer at once: the numbers of one after the other, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audio_rnn.models import beside as module
from audio_rnn.models.beside import Part, beside
from audio_rnn.models.recurrent import RecurrentStack
from audio_rnn.threads import use_threads
from tests.models.test_recurrent import CELLS, LENGTHS, batch, stack


@pytest.fixture(autouse=True)
def one_again() -> Iterator[None]:
    yield
    use_threads(1)


def with_threads(count: int, compute: Callable[[], list[Tensor | None]]) -> list[Tensor | None]:
    use_threads(count)
    return compute()


def values_and_gradients(
    model: RecurrentStack, cast: bool, items: int = 4, state: list[Any] | None = None
) -> list[Tensor | None]:
    """Of a stack, with dropout, by its output and its states."""
    torch.manual_seed(2)
    x = batch()[:items].requires_grad_()
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=cast):
        y, states = model(x, LENGTHS[:items], state)
    loss = y.float().square().sum() + sum(s.float().sum() for state in states for s in state)
    loss.backward()
    return [
        y,
        *(s for state in states for s in state),
        x.grad,
        *(p.grad for p in model.parameters()),
    ]


def assert_same(ours: list[Tensor | None], theirs: list[Tensor | None]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)  # type: ignore[arg-type]


@pytest.mark.parametrize("cast", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_training_is_the_same_to_the_bit(cell: str, cast: bool, monkeypatch: Any) -> None:
    """With residuals as well, where three gradients of an input are summed."""
    model = stack(cell=cell, residual=True, projection=5, layer_norm=True, dropout=0.3, layers=3)
    expected = with_threads(1, lambda: values_and_gradients(model, cast))
    calls = []
    apply = module._Beside.apply
    monkeypatch.setattr(module._Beside, "apply", lambda *a: calls.append(1) or apply(*a))
    found = with_threads(2, lambda: values_and_gradients(model, cast))
    assert len(calls) == 3
    assert_same(expected, found)
    assert all(value is not None for value in found)


@pytest.mark.parametrize("items", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_halves_of_a_batch_in_one_direction_are_the_same_to_the_bit(cell: str, items: int) -> None:
    """From a state on, too; and near to what the whole batch gives."""
    model = stack(cell=cell, bidirectional=False)
    with torch.no_grad():
        state = model(batch(lengths=LENGTHS[:items]), LENGTHS[:items])[1]
    expected = with_threads(1, lambda: values_and_gradients(model, False, items, state))
    assert_same(expected, with_threads(2, lambda: values_and_gradients(model, False, items, state)))
    learnt = [tuple(part.requires_grad_() for part in layer) for layer in state]
    whole = values_and_gradients(model, False, items, learnt)
    assert all(part.grad is not None for layer in learnt for part in layer)
    for a, b in zip(expected, whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_one_direction_computes_its_halves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    apply = module._Beside.apply
    monkeypatch.setattr(module._Beside, "apply", lambda *a: calls.append(1) or apply(*a))
    with_threads(2, lambda: values_and_gradients(stack(bidirectional=False), False))
    assert len(calls) == 2


@pytest.mark.parametrize("frozen", ["forwards", "backwards", "layers.0", ""])
def test_weights_that_do_not_learn_get_no_gradient(frozen: str) -> None:
    model = stack(residual=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(frozen not in name)

    def compute() -> list[Tensor | None]:
        x = batch().requires_grad_(not frozen)
        model.zero_grad()
        y = model(x, LENGTHS)[0]
        if y.requires_grad:
            y.square().sum().backward()
        return [y, x.grad, *(p.grad for p in model.parameters())]

    expected = with_threads(1, compute)
    assert_same(expected, with_threads(2, compute))
    assert sum(g is not None for g in expected[2:]) == sum(
        p.requires_grad for p in model.parameters()
    )


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("cell", CELLS)
def test_use_is_the_same_to_the_bit(cell: str, mode: Any) -> None:
    model = stack(cell=cell).eval()

    def compute() -> list[Tensor | None]:
        with mode():
            y, states = model(batch(), LENGTHS)
        return [y, *(s for state in states for s in state)]

    assert_same(with_threads(1, compute), with_threads(2, compute))


class Meeting(torch.autograd.Function):
    """Identity that waits for another one, on the way there and on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Barrier, back: Barrier) -> Tensor:
        ctx.back = back
        there.wait()
        return x * 1

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        ctx.back.wait()
        return gradient, None, None


def test_values_and_gradients_are_computed_at_once() -> None:
    there, back = Barrier(2, timeout=30), Barrier(2, timeout=30)
    weights = [nn.Parameter(torch.tensor([2.0])), nn.Parameter(torch.tensor([3.0]))]

    def part(weight: nn.Parameter) -> Part:
        return Part(lambda x: (Meeting.apply(x * weight, there, back),), (weight,))

    x = torch.ones(1, requires_grad=True)
    use_threads(2)
    (a,), (b,) = beside(part(weights[0]), part(weights[1]), x)
    (a * b).sum().backward()
    assert [w.grad.item() for w in weights] == [3, 2]  # type: ignore[union-attr]
    assert x.grad is not None and x.grad.item() == 12


def test_an_output_that_nobody_uses_has_no_part_in_the_gradients() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    first = Part(lambda x: (x * weight, x + weight), (weight,))
    second = Part(lambda x: (x * 5,))
    x = torch.ones(1, requires_grad=True)
    use_threads(2)
    (a, unused), _ = beside(first, second, x)
    a.sum().backward()
    assert weight.grad.item() == 1 and x.grad.item() == 2  # type: ignore[union-attr]
    assert unused.requires_grad


def test_gradients_of_gradients_are_refused() -> None:
    """They would lack all that is inside."""
    use_threads(2)
    x = batch().requires_grad_()
    (gradient,) = torch.autograd.grad(stack()(x, LENGTHS)[0].square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
