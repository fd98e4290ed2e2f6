"""Two functions of one tensor beside each other on two threads, with their gradients.

Autograd computes gradients one after the other in the thread that asks for them. Here each function has
a graph of its own, and both graphs are gone through at once. Values and gradients are to the bit those
of one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from audio_rnn.threads import at_once, two_at_once

Outputs = tuple[Tensor, ...]


class Part(NamedTuple):
    """What is computed of a tensor, and the weights that are to have gradients."""

    run: Callable[[Tensor], Outputs]
    weights: tuple[Tensor, ...] = ()


class _Traced(NamedTuple):
    """A part with the graph of its own that its gradients come from."""

    inputs: tuple[Tensor, ...]  # the tensor, and the weights
    outputs: Outputs


def beside(first: Part, second: Part, x: Tensor) -> tuple[Outputs, Outputs]:
    """The outputs of both parts, at once on a CPU that has a thread for it."""
    if not (torch.is_grad_enabled() and two_at_once(x.device.type)):
        return at_once(lambda: first.run(x), lambda: second.run(x), x.device.type)
    weights = [weight for part in (first, second) for weight in part.weights]
    count, *outputs = _Beside.apply((first, second), x, x, *weights)
    return tuple(outputs[:count]), tuple(outputs[count:])


class _Beside(torch.autograd.Function):
    """x comes twice, for the second part and then for the first: where there are more gradients
    of x they are summed in the order in which autograd sums those of one after the other."""

    @staticmethod
    def forward(ctx: Any, parts: tuple[Part, Part], *tensors: Tensor) -> tuple[Any, ...]:
        ctx.set_materialize_grads(False)
        x = tensors[0]
        one, two = at_once(lambda: _trace(parts[0], x), lambda: _trace(parts[1], x))
        ctx.traced = one, two
        outputs = [output.detach() for output in (*one.outputs, *two.outputs)]
        return len(one.outputs), *outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: None, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        one, two = ctx.traced
        count = len(one.outputs)
        first, second = at_once(
            lambda: _gradients(one, gradients[:count]), lambda: _gradients(two, gradients[count:])
        )
        return None, second[0], first[0], *first[1:], *second[1:]


def _trace(part: Part, x: Tensor) -> _Traced:
    with torch.enable_grad():
        own = x.detach().requires_grad_(x.requires_grad)
        return _Traced((own, *part.weights), part.run(own))


def _gradients(traced: _Traced, by_outputs: tuple[Tensor | None, ...]) -> list[Tensor | None]:
    """The gradients of the inputs, given those of the outputs, of which some may be none."""
    learnt = [x for x in traced.inputs if x.requires_grad]
    given = [(y, by) for y, by in zip(traced.outputs, by_outputs) if by is not None]
    if not learnt or not given:
        return [None] * len(traced.inputs)
    outputs, gradients = zip(*given)
    found = iter(torch.autograd.grad(outputs, learnt, gradients))
    return [next(found) if x.requires_grad else None for x in traced.inputs]
