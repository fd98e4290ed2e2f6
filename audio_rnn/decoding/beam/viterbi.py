"""The likeliest steps of symbols that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.words import Emission
from audio_rnn.vocabulary import BLANK


def align(log_probs: NDArray[np.float32], symbols: Sequence[int], begin: int = 0) -> list[Emission]:
    """Symbols, blanks left out, at their likeliest steps of log_probs (steps, symbols), the first
    of which is step `begin`.

    Rabiner 1989, section III.B, over the CTC topology. Raises ValueError when the symbols need
    more steps than there are.
    """
    if not symbols:
        return []
    ids = np.array(symbols, np.int32)
    if len(log_probs) < len(ids) or not (path := _best_states(log_probs, ids)).any():
        raise ValueError(
            f"found {len(ids)} symbols for {len(log_probs)} steps, expected fewer symbols"
        )
    edges = np.searchsorted(path, np.arange(1, 2 * len(ids) + 1))
    peaks = _peaks(log_probs, ids, edges).tolist()
    steps = (edges + begin).tolist()
    return list(map(Emission, symbols, steps[::2], steps[1::2], peaks))


@numba.njit(cache=True, nogil=True)
def _peaks(
    log_probs: NDArray[np.float32], symbols: NDArray[np.int32], edges: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The highest log-probability of each symbol between its edges."""
    peaks = np.full(len(symbols), -np.inf)
    for i in range(len(symbols)):
        for t in range(edges[2 * i], edges[2 * i + 1]):
            peaks[i] = max(peaks[i], log_probs[t, symbols[i]])
    return peaks


@numba.njit(cache=True, nogil=True)
def _best_states(log_probs: NDArray[np.float32], symbols: NDArray[np.int32]) -> NDArray[np.int32]:
    """State of each step; state 2i + 1 is symbol i, the even ones are the blanks around."""
    steps, states = len(log_probs), 2 * len(symbols) + 1
    score = np.full(states, -np.inf)
    came = np.zeros((steps, states), np.int8)  # how many states a step went forward
    score[0], score[1] = log_probs[0, BLANK], log_probs[0, symbols[0]]
    for t in range(1, steps):
        low = max(0, states - 2 * (steps - t) - 1)  # from lower states the end is out of reach
        for s in range(min(states - 1, 2 * t + 1), low - 1, -1):
            best, move = score[s], 0
            if s > 0 and score[s - 1] > best:
                best, move = score[s - 1], 1
            skips = s % 2 == 1 and s > 1 and symbols[s // 2] != symbols[s // 2 - 1]
            if skips and score[s - 2] > best:
                best, move = score[s - 2], 2
            score[s] = best + log_probs[t, symbols[s // 2] if s % 2 else BLANK]
            came[t, s] = move
    path = np.zeros(steps, np.int32)
    last = states - 1 if score[states - 1] > score[states - 2] else states - 2
    if score[last] == -np.inf:
        return path  # zeros: there is no way to the end
    path[-1] = last
    for t in range(steps - 1, 0, -1):
        path[t - 1] = path[t] - came[t, path[t]]
    return path
