"""The inner loop of prefix beam search, compiled by numba.

The beam holds, for each of its prefixes, the probability of ending in a blank and of ending in
its last symbol (Graves 2012, section 7.4; Hannun et al. 2014), each times the prefix's factor of
knowledge. They are kept near 1 by a common scale whose logarithm is counted, which is as exact as
sums of logarithms and needs none in the loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.prefixes import (
    ALIVE,
    NODES,
    Fusion,
    Neural,
    find_child,
    make_children,
    want_rows,
)
from audio_rnn.decoding.beam.spelling import CONTINUES
from audio_rnn.decoding.beam.trie import NONE
from audio_rnn.vocabulary import BLANK

RAN, PAUSED, LONG, FULL, WAITS = 0, 1, 2, 3, 4  # why the search stopped; WAITS for `wanted`
SILENT, SPOKEN, STEPS, COUNTS = 3, 4, 5, 6  # steps without a symbol; whether one came; all
RESCALE = 1e-30  # best probability at which the scale moves
NOTHING = 1e-250  # slower than zero to compute with, and as good


class Pruning(NamedTuple):
    """What is not looked at."""

    symbols: int  # most symbols tried a step
    floor: float  # probability below which a symbol is not tried
    beam: float  # share of the best prefix's probability below which a prefix is dropped


BEAM = np.dtype(  # the prefixes alive, in no order
    [
        ("blank", np.float64),  # probability of the prefix ending in a blank
        ("symbol", np.float64),  # ... in its last symbol
        ("total", np.float64),
        ("ends", np.float64),  # `symbol` after the step that is being made
        ("score", np.float64),  # `total` after it
        ("node", np.int32),
    ],
    align=True,
)
NEW = np.dtype(  # prefixes that may be new to the beam
    [("chance", np.float64), ("node", np.int32), ("parent", np.int32), ("symbol", np.int32)],
    align=True,
)


@numba.njit(cache=True, nogil=True)
def search(
    probs: NDArray[np.float32],
    start: int,
    beam: NDArray[np.void],
    scale: NDArray[np.float64],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    new: NDArray[np.void],
    active: NDArray[np.int32],
    values: NDArray[np.float64],
    fusion: Fusion,
    neural: Neural,
    pruning: Pruning,
    pause: int,
    longest: int,
) -> tuple[int, int]:
    """Go through probs (steps, symbols) from `start`; the next step, and why it stopped.

    `scale` (1,) is the logarithm of what the beam's probabilities have been divided by; `new`,
    `active` and `values` are room for one step.
    """
    for t in range(start, len(probs)):
        if counts[NODES] + len(new) > len(arena):
            return t, FULL
        row = probs[t]
        tried = choose_symbols(row, pruning, active)
        best = stay(row, beam, arena, counts, fusion.sounds)
        fresh = 0
        if tried:
            fresh, best = propose(
                row, active[:tried], best, beam, arena, counts, new, fusion, neural, pruning
            )
            if fresh == NONE:
                return t, WAITS
        floor = best * pruning.beam
        if counts[ALIVE] + fresh > len(beam):
            floor = max(floor, rank_floor(beam, new[:fresh], counts, values))
        keep(row, floor, beam, arena, counts, new[:fresh])
        if best < RESCALE:
            scale[0] += np.log(best)
            rescale(best, beam, counts)
        counts[STEPS] += 1
        if tried and row[active[0]] > row[BLANK]:
            counts[SILENT] = 0
            counts[SPOKEN] = 1
        else:
            counts[SILENT] += 1
            if counts[SPOKEN] and counts[SILENT] >= pause:
                return t + 1, PAUSED
        if counts[STEPS] >= longest:
            return t + 1, LONG
    return len(probs), RAN


@numba.njit(cache=True, nogil=True)
def choose_symbols(row: NDArray[np.float32], pruning: Pruning, active: NDArray[np.int32]) -> int:
    """The likeliest symbols but the blank, best first, into `active`; how many."""
    count = 0
    for s in range(1, len(row)):
        if row[s] < pruning.floor:
            continue
        if count == pruning.symbols:
            if row[s] <= row[active[count - 1]]:
                continue
            count -= 1
        place = count
        while place > 0 and row[active[place - 1]] < row[s]:
            active[place] = active[place - 1]
            place -= 1
        active[place] = s
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def stay(
    row: NDArray[np.float32],
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    sounds: NDArray[np.int32],
) -> float:
    """Prefixes that stay as they are, reached also from their parent; the best probability."""
    best = 0.0
    for i in range(counts[ALIVE]):
        node = beam[i].node
        last, parent = arena[node].symbol, arena[node].parent
        ends = beam[i].symbol * row[last] if last != NONE else 0.0
        if parent != NONE and arena[parent].slot != NONE:
            j = arena[parent].slot
            same = sounds[arena[parent].symbol] == sounds[last]
            source = beam[j].blank if same else beam[j].total
            ends += source * row[last] * arena[node].factor
        beam[i].ends = ends if ends > NOTHING else 0.0
        score = beam[i].total * row[BLANK] + ends
        beam[i].score = score
        best = max(best, score)
    return best


@numba.njit(cache=True, nogil=True)
def propose(
    row: NDArray[np.float32],
    active: NDArray[np.int32],
    best: float,
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    new: NDArray[np.void],
    fusion: Fusion,
    neural: Neural,
    pruning: Pruning,
) -> tuple[int, float]:
    """Prefixes that may be new to the beam, into `new`; how many, or NONE if rows are wanted first,
    and the best probability."""
    count, unmet = 0, len(new)  # known prefixes fill `new` from the front, others from the back
    kinds, highest, highest_end = fusion.kind, fusion.highest, fusion.highest_end
    sounds = fusion.sounds
    for i in range(counts[ALIVE]):
        node = beam[i].node
        last = sounds[arena[node].symbol]
        for s in active:
            chance = (beam[i].blank if sounds[s] == last else beam[i].total) * row[s]
            most = highest if kinds[s] == CONTINUES else highest_end
            if chance * most < best * pruning.beam:
                continue
            child = find_child(arena, node, s)
            if child == NONE:
                unmet -= 1
                new[unmet].chance, new[unmet].parent, new[unmet].symbol = chance, node, s
            elif arena[child].slot == NONE:  # `stay` has counted this way to those in the beam
                new[count].chance, new[count].node = chance * arena[child].factor, child
                best = max(best, new[count].chance)
                count += 1
    if unmet < len(new):
        if len(neural.scores) and want_rows(new[unmet:], arena, counts, neural):
            return NONE, best
        make_children(new[unmet:], arena, counts, fusion, neural)
    for c in range(unmet, len(new)):
        new[count].node = new[c].node
        new[count].chance = new[c].chance * arena[new[c].node].factor
        best = max(best, new[count].chance)
        count += 1
    return compact(new, count, best * pruning.beam), best


@numba.njit(cache=True, nogil=True)
def compact(new: NDArray[np.void], count: int, floor: float) -> int:
    """Drop those of the first `count` below `floor`; how many are left."""
    kept = 0
    for c in range(count):
        if new[c].chance >= floor and new[c].chance > 0:
            new[kept].chance, new[kept].node = new[c].chance, new[c].node
            kept += 1
    return kept


@numba.njit(cache=True, nogil=True)
def rank_floor(
    beam: NDArray[np.void],
    new: NDArray[np.void],
    counts: NDArray[np.int64],
    values: NDArray[np.float64],
) -> float:
    """The probability that as many prefixes reach as the beam can hold."""
    alive = counts[ALIVE]
    for i in range(alive):
        values[i] = beam[i].score
    for i in range(len(new)):
        values[alive + i] = new[i].chance
    return select(values, alive + len(new), alive + len(new) - len(beam))


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def keep(
    row: NDArray[np.float32],
    floor: float,
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    new: NDArray[np.void],
) -> None:
    """Drop prefixes below `floor`, bring those that stay up to date, add the new ones."""
    size = 0
    for i in range(counts[ALIVE]):
        node = beam[i].node
        arena[node].slot = NONE
        if beam[i].score >= floor:
            blank, ends, score = beam[i].total * row[BLANK], beam[i].ends, beam[i].score
            beam[size].node, beam[size].blank = node, blank
            beam[size].symbol, beam[size].total = ends, score
            arena[node].slot = size
            size += 1
    for c in range(len(new)):
        if new[c].chance >= floor and size < len(beam):
            beam[size].node, beam[size].blank = new[c].node, 0.0
            beam[size].symbol, beam[size].total = new[c].chance, new[c].chance
            arena[new[c].node].slot = size
            size += 1
    counts[ALIVE] = size


@numba.njit(cache=True, nogil=True)
def rescale(best: float, beam: NDArray[np.void], counts: NDArray[np.int64]) -> None:
    """Divide all probabilities by `best`."""
    for i in range(counts[ALIVE]):
        beam[i].blank /= best
        beam[i].symbol /= best
        beam[i].total /= best
