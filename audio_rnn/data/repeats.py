"""Where in a piece its last frames were heard before, and for how long: music repeats itself.

A recurrent network cannot keep a piece word by word; this is its memory. What it says of a frame
depends on the frames before it only.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def recall(frames: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Indices]:
    """What followed the last frames when they were heard before.

    Args:
        frames: (frames, ...) of 0 and 1.

    Returns:
        frames that followed, of the same shape, zeros where nothing like it was heard; and how
        many frames before agree, (frames,).
    """
    packed = np.packbits(frames.reshape(len(frames), -1), axis=1)
    _, names = np.unique(packed, axis=0, return_inverse=True)
    places, lengths = longest_matches(names.reshape(-1).astype(np.int64))
    followed = frames[places] * (lengths > 0).reshape(-1, *[1] * (frames.ndim - 1))
    return followed.astype(np.uint8), lengths


@numba.njit(cache=True)
def longest_matches(names: Indices) -> tuple[Indices, Indices]:
    """The place after the longest earlier match of all that precedes each place, the latest of
    equal ones; and the length of the match, 0 where there is none."""
    count = len(names)
    places, lengths = np.zeros(count, np.int64), np.zeros(count, np.int64)
    run = np.zeros(count + 1, np.int64)  # at j: how many names before j equal those before now
    for now in range(1, count):
        for j in range(now - 1, 0, -1):
            run[j] = run[j - 1] + 1 if names[j - 1] == names[now - 1] else 0
            if run[j] > lengths[now]:
                places[now], lengths[now] = j, run[j]
    return places, lengths
