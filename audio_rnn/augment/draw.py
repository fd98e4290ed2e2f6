"""Random choices, one an utterance, from torch's global generator on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor


def chosen(probability: float, like: Tensor) -> Tensor:
    """Which utterances of the batch something happens to: (batch,) bool."""
    return (torch.rand(len(like)) < probability).to(like.device)


def uniform(low: float, high: float, like: Tensor) -> Tensor:
    """One number an utterance between two limits: (batch,) float32."""
    return (low + (high - low) * torch.rand(len(like))).to(like.device)


def normal(like: Tensor) -> Tensor:
    """Gaussian noise in the shape, type and place of a tensor."""
    return torch.randn(like.shape).to(like)
