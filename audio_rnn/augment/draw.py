"""Random choices, one an utterance, from torch's global generator on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from audio_rnn.device import sent


def chosen(probability: float, like: Tensor) -> Tensor:
    """Which utterances of the batch something happens to: (batch,) bool."""
    return sent(torch.rand(len(like)) < probability, like.device)


def uniform(low: float, high: float, like: Tensor) -> Tensor:
    """One number an utterance between two limits: (batch,) float32."""
    return sent(low + (high - low) * torch.rand(len(like)), like.device)


def normal(like: Tensor) -> Tensor:
    """Gaussian noise in the shape, type and place of a tensor."""
    return sent(torch.randn(like.shape), like.device).to(like.dtype)
