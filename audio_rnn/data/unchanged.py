"""Whether a file still holds what a training first read of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.errors import AudioError

SUMS = (1 << 63) - 1  # of the bits of an array, from 1 on


class Unchanged:
    """A sum of what was first read of each item, in memory that worker processes share.

    What a file holds is compared, not its time, which jitters on network disks, nor its size, which
    another recording in its place may have as well. A training that goes on looks anew.
    """

    def __init__(self, items: int) -> None:
        self._sums = torch.zeros(max(items, 1), dtype=torch.int64).share_memory_()

    def check(self, item: int, path: Path, inputs: NDArray[np.float32]) -> None:
        """`inputs` are what is read of an item now, in `path`.

        Raises: AudioError when they differ from what was read before.
        """
        found = int(inputs.view(np.uint32).sum(dtype=np.uint64)) % SUMS + 1
        first = int(self._sums[item])
        if first not in (0, found):
            raise AudioError(
                f"{path}: found another content, expected that which this training read before; "
                "put the former file back, or run the same command again to go on with this one"
            )
        self._sums[item] = found
