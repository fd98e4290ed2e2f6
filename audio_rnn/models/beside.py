"""Two functions of one tensor beside each other on two threads, with their gradients.

Autograd computes gradients one after the other in the thread that asks for them. Here each function has
a graph of its own, and both graphs are gone through at once, or one after the other where there is one
thread: the numbers are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from audio_rnn.threads import at_once

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
    if not torch.is_grad_enabled() or x.device.type != "cpu":
        return at_once(lambda: first.run(x), lambda: second.run(x), x.device.type)
    weights = [weight for part in (first, second) for weight in part.weights]
    count, *outputs = _Beside.apply((first, second), x, *weights)
    return tuple(outputs[:count]), tuple(outputs[count:])


class _Beside(torch.autograd.Function):
    """Of x, and of the weights of both parts, some of which may be the same."""

    @staticmethod
    def forward(ctx: Any, parts: tuple[Part, Part], x: Tensor, *weights: Tensor) -> tuple[Any, ...]:
        ctx.set_materialize_grads(False)
        one, two = at_once(lambda: _trace(parts[0], x), lambda: _trace(parts[1], x))
        ctx.traced = one, two
        outputs = [output.detach() for output in (*one.outputs, *two.outputs)]
        return len(one.outputs), *outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: None, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        one, two = ctx.traced
        count = len(one.outputs)
        kept = torch._C._autograd._get_current_graph_task_keep_graph()  # for another backward pass
        first, second = at_once(
            lambda: _gradients(one, gradients[:count], kept),
            lambda: _gradients(two, gradients[count:], kept),
        )
        by_x = [by for by in (first[0], second[0]) if by is not None]
        return None, sum(by_x[1:], by_x[0]) if by_x else None, *first[1:], *second[1:]


def _trace(part: Part, x: Tensor) -> _Traced:
    with torch.enable_grad():
        own = x.detach().requires_grad_(x.requires_grad)
        return _Traced((own, *part.weights), part.run(own))


def _gradients(
    traced: _Traced, by_outputs: tuple[Tensor | None, ...], kept: bool
) -> list[Tensor | None]:
    """The gradients of the inputs, given those of the outputs, of which some may be none."""
    learnt = [x for x in traced.inputs if x.requires_grad]
    given = [(y, by) for y, by in zip(traced.outputs, by_outputs) if by is not None]
    if not learnt or not given:
        return [None] * len(traced.inputs)
    outputs, gradients = zip(*given)
    found = iter(torch.autograd.grad(outputs, learnt, gradients, retain_graph=kept))
    return [next(found) if x.requires_grad else None for x in traced.inputs]
