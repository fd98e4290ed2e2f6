"""The optimiser, and what is done to gradients before it sees them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn


def make_optimizer(
    model: nn.Module, kind: Literal["adamw", "sgd"], rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Weight decay acts on matrices only, not on biases and norms.

    Fused optimisers alone can leave out a step without being asked for it, see `step_if`.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=True)
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    for parameter in parameters:  # torch leaves them as memory was when the first step is left out
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def step_if(fine: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """A step, or none where `fine` () is false; that is for the device to see, nobody waits.

    `found_inf` is how torch's GradScaler tells it to a fused optimiser.
    """
    optimizer.found_inf = (~fine).float()  # type: ignore[attr-defined]
    optimizer.step()


def divide_gradients(model: nn.Module, count: int) -> None:
    """From the sum over `count` batches to their mean."""
    if count > 1:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        torch._foreach_div_(gradients, count)


def layer_norms(model: nn.Module) -> dict[str, Tensor]:
    """Gradient norm () float64 of each parameter: what vanishes or explodes shows here."""
    gradients: dict[str, Tensor] = {
        n: p.grad for n, p in model.named_parameters() if p.grad is not None
    }
    norms = torch.stack(torch._foreach_norm(list(gradients.values()))).double().unbind()
    return {f"grad_norm.{name}": norm for name, norm in zip(gradients, norms, strict=True)}
