"""The linear recurrence h[t] = decay[t] * h[t-1] + given[t], whose gradient is one of its own kind."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad


def scan(decay: Tensor, given: Tensor, first: Tensor) -> Tensor:
    """h (batch, frames, width) from decay and given (batch, frames, width), first (batch, width)."""
    return _Scan.apply(decay, given, first)


class _Scan(torch.autograd.Function):
    """The gradient of h[t] is its own plus decay[t+1] times that of h[t+1]: the same, from the end."""

    @staticmethod
    def forward(ctx: Any, decay: Tensor, given: Tensor, first: Tensor) -> Tensor:
        h = recurrence(decay, given, first)
        ctx.save_for_backward(decay, h, first)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decay, h, first = ctx.saved_tensors
        later = pad(decay[:, 1:], (0, 0, 0, 1)).flip(1)
        given = recurrence(later, gradient.flip(1), torch.zeros_like(first)).flip(1)
        before = torch.cat([first.unsqueeze(1), h[:, :-1]], 1)
        return given * before, given, decay[:, 0] * given[:, 0]


def recurrence(decay: Tensor, given: Tensor, first: Tensor) -> Tensor:
    """The values of `scan`, by whichever way suits the device."""
    return (in_order if given.device.type == "cpu" else in_chunks)(decay, given, first)


def in_order(decay: Tensor, given: Tensor, first: Tensor) -> Tensor:
    """Frame by frame. On a CPU nothing is faster: a frame is one pass over memory."""
    h = torch.empty_like(given)
    for t in range(given.shape[1]):
        first = torch.addcmul(given[:, t], decay[:, t], first, out=h[:, t])
    return h


def in_chunks(decay: Tensor, given: Tensor, first: Tensor) -> Tensor:
    """All chunks at once from zeros, then from chunk to chunk: 2 * sqrt(frames) operations."""
    frames = given.shape[1]
    size = math.isqrt(frames - 1) + 1
    missing = (0, 0, 0, -frames % size)
    whole = pad(decay, missing).unflatten(1, (-1, size)).clone()  # products since a chunk's start
    h = pad(given, missing).unflatten(1, (-1, size)).clone()
    for i in range(1, size):
        h[:, :, i].addcmul_(whole[:, :, i], h[:, :, i - 1])
        whole[:, :, i] *= whole[:, :, i - 1]
    for chunk in range(h.shape[1]):
        h[:, chunk].addcmul_(whole[:, chunk], first.unsqueeze(1))
        first = h[:, chunk, -1]
    return h.flatten(1, 2)[:, :frames]
