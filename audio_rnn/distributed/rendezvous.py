"""Where the processes of one start of a training meet, whatever an earlier start has left there."""

from __future__ import annotations

import time
from uuid import uuid4

import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

PAUSE = 0.01  # seconds between looks


def meeting_place() -> dist.Store:
    """A store for the processes that `torchrun` has started together.

    After a restart torchrun hands out the same store as before, with the addresses of processes
    that are dead; who waits for these waits forever. So the first process chooses a place that none
    has used, and tells it in answer to questions that none has asked before.
    """
    store, rank, world = next(rendezvous("env://"))
    place = str(uuid4())
    if rank == 0:
        _answer(store, place, set(range(1, world)))
    else:
        question = str(uuid4())
        store.set(f"question/{rank}", question)
        place = store.get(f"answer/{question}").decode()
        store.set(f"{place}/{rank}", "")
    return dist.PrefixStore(place, store)


def _answer(store: dist.Store, place: str, missing: set[int]) -> None:
    """Tell the place to whoever asks, until all have come."""
    while missing:
        for rank in missing:
            if store.check([f"question/{rank}"]):
                store.set(f"answer/{store.get(f'question/{rank}').decode()}", place)
        missing = {rank for rank in missing if not store.check([f"{place}/{rank}"])}
        time.sleep(PAUSE)
