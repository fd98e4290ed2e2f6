"""Sums over the batch of all processes, for what normalises by it: as if one process had it all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch.distributed as dist
from torch import Tensor

# Imported when there is a group, as DDP does, it keeps that one in default arguments: gloo's threads then
# outlive it, and the process sometimes aborts at its exit.
from torch.distributed.nn.functional import all_reduce

_COUNTS: ContextVar[Tensor | None] = ContextVar("counts", default=None)


def shared() -> bool:
    """Whether other processes have parts of this one's batches."""
    return dist.is_initialized() and dist.get_world_size() > 1


@contextmanager
def sharing(counts: Tensor) -> Iterator[None]:
    """Within: what this process adds to sums is 0 where `counts` () is False, as for a batch that only keeps
    it in step. Nothing waits for its value."""
    token = _COUNTS.set(counts)
    try:
        yield
    finally:
        _COUNTS.reset(token)


def over_all(x: Tensor) -> Tensor:
    """The sum of all processes' x, and of their gradients; all must come here, in the same order."""
    if not shared():
        return x
    counts = _COUNTS.get()
    return all_reduce(x if counts is None else x * counts)
