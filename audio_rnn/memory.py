"""Memory that a process holds without need."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Return what is freed to the system, where the C library is glibc.

    Batches of ever other lengths leave holes in its heap, which grow from epoch to epoch: training
    AN4 came from 1.1 GB to 1.6 GB in six, with 0.4 GB in use in its heap.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
