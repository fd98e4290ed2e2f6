"""Frames times a matrix, in a stream as in the whole."""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_ROWS = 16  # matrix libraries have other code for fewer, which rounds otherwise


def product(frames: Tensor, weights: Tensor) -> Tensor:
    """frames (..., n) @ weights, rounded alike for any number of frames.

    In a stream a frame meets few others. Normalisation makes rounding audible where sound is
    constant, such as in digital silence.
    """
    missing = max(0, LEAST_ROWS - frames.shape[-2])
    if not missing:
        return frames @ weights
    return (torch.nn.functional.pad(frames, (0, 0, 0, missing)) @ weights)[..., :-missing, :]
