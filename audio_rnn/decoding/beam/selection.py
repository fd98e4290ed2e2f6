"""How many prefixes a beam can hold, as the probability that the last of them reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.compiled import lean


@lean
def rank_floor(
    floor: float,
    beam: NDArray[np.void],
    alive: int,
    new: NDArray[np.void],
    fresh: int,
    values: NDArray[np.float64],
) -> float:
    """The probability that as many prefixes reach as the beam can hold, or 0 if no more reach
    `floor`."""
    count = 0
    for i in range(alive):
        values[count] = beam[i].score
        count += beam[i].score >= floor
    for i in range(fresh):
        values[count] = new[i].chance
        count += new[i].chance >= floor
    return select(values, count, count - len(beam)) if count > len(beam) else 0.0


@lean
def select(values: NDArray[np.float64], count: int, place: int) -> float:
    """What would stand at `place` were the first `count` values sorted (Hoare 1961); np.partition
    allocates and is many times slower on so few. Reorders `values`."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
    return values[place]
