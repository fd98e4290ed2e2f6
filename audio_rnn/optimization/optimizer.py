"""The optimiser, and what is done to gradients before it sees them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn


def make_optimizer(
    model: nn.Module, kind: Literal["adamw", "sgd"], rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Weight decay acts on matrices only, not on biases and norms."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=any(p.is_cuda for p in parameters))
    return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)


def divide_gradients(model: nn.Module, count: int) -> None:
    """From the sum over `count` batches to their mean."""
    if count > 1:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        torch._foreach_div_(gradients, count)


def layer_norms(model: nn.Module) -> dict[str, float]:
    """Gradient norm of each parameter: what vanishes or explodes shows here."""
    gradients: dict[str, Tensor] = {
        n: p.grad for n, p in model.named_parameters() if p.grad is not None
    }
    norms = torch.stack(torch._foreach_norm(list(gradients.values()))).tolist()
    return {f"grad_norm.{name}": norm for name, norm in zip(gradients, norms, strict=True)}
