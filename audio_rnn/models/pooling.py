"""Scores of frames -> the score of a clip; in sums that can be added up piece by piece.

Wang, Li & Metze 2019, "A comparison of five multiple instance learning pooling functions for sound
event detection with weak labeling", compares these.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

Pooling = Literal["max", "mean", "linear_softmax", "attention"]
Sums = tuple[Tensor, ...]  # each (batch, classes)


def gather(pooling: Pooling, scores: Tensor, attention: Tensor, mask: Tensor) -> Sums:
    """What pooling needs to know of some frames.

    Args:
        pooling: max and mean of scores; linear_softmax, the mean of probabilities weighted by
            themselves; attention, the mean of scores weighted by the softmax of `attention`.
        scores: (batch, frames, classes), log-odds.
        attention: the same shape.
        mask: (batch, frames), True where a frame counts.
    """
    mask = mask.unsqueeze(-1)
    if pooling == "max":
        return (scores.masked_fill(~mask, -torch.inf).amax(1),)
    if pooling == "mean":
        return scores.masked_fill(~mask, 0).sum(1), mask.sum(1).expand_as(scores[:, 0])
    if pooling == "linear_softmax":
        logs = logsigmoid(scores).masked_fill(~mask, -torch.inf)
        return (2 * logs).logsumexp(1), logs.logsumexp(1)
    hidden = attention.masked_fill(~mask, -torch.inf)
    total = hidden.logsumexp(1)
    weights = (hidden - total.unsqueeze(1)).exp()
    return total, (weights * scores.masked_fill(~mask, 0)).sum(1)


def merge(pooling: Pooling, first: Sums, second: Sums) -> Sums:
    """What `gather` would have given for the frames of both."""
    if pooling == "max":
        return (first[0].maximum(second[0]),)
    if pooling == "mean":
        return first[0] + second[0], first[1] + second[1]
    total = torch.logaddexp(first[0], second[0])
    if pooling == "linear_softmax":
        return total, torch.logaddexp(first[1], second[1])
    share = (first[0] - total).exp()
    return total, share * first[1] + (1 - share) * second[1]


def pooled(pooling: Pooling, sums: Sums) -> Tensor:
    """The score of the clip: (batch, classes), log-odds."""
    if pooling == "max":
        return sums[0]
    if pooling == "mean":
        return sums[0] / sums[1].clamp(min=1)
    if pooling == "linear_softmax":
        log_p = sums[0] - sums[1]
        return log_p - torch.log(-torch.expm1(log_p.clamp(max=-1e-6)))
    return sums[1]
