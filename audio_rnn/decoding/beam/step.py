"""One step of prefix beam search: prefixes stay, grow, and are dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.prefixes import find_child
from audio_rnn.decoding.beam.selection import rank_floor
from audio_rnn.decoding.beam.spelling import CONTINUES
from audio_rnn.decoding.beam.tables import ALIVE, LEADER, WANTED, Fusion, Neural
from audio_rnn.decoding.beam.trie import NONE, ROOT
from audio_rnn.decoding.compiled import lean

NOTHING = 1e-250  # slower than zero to compute with, and as good


@lean
def stay(
    blank: float,
    probs: NDArray[np.float64],
    beam: NDArray[np.void],
    alive: int,
    arena: NDArray[np.void],
    sounds: NDArray[np.int32],
) -> tuple[float, float]:
    """Prefixes that stay as they are, reached also from their parent; the highest and the lowest
    probability."""
    best, least = 0.0, np.inf
    for i in range(alive):
        last = beam[i].last
        ends = 0.0
        if last != NONE and probs[last] > 0:
            ends = beam[i].symbol * probs[last]
            parent = beam[i].parent
            if parent != NONE and arena[parent].slot != NONE:
                j = arena[parent].slot
                same = sounds[beam[j].last] == sounds[last]
                source = beam[j].blank if same else beam[j].total
                ends += source * probs[last] * beam[i].factor
        beam[i].ends = ends if ends > NOTHING else 0.0
        score = beam[i].total * blank + ends
        beam[i].score = score
        best, least = max(best, score), min(least, score)
    return best, least


@lean
def want_rows(
    active: NDArray[np.int32],
    probs: NDArray[np.float64],
    floor: float,
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    fusion: Fusion,
    neural: Neural,
) -> bool:
    """Whether a prefix that may grow still needs a row of the neural model; all such into `wanted`."""
    kinds, sounds = fusion.kind, fusion.sounds
    highest_end = fusion.highest_end
    for i in range(counts[ALIVE]):
        node = beam[i].node
        if arena[node].row != NONE:
            continue
        highest = fusion.highest_start if arena[node].word == ROOT else fusion.highest
        for s in active:
            same = sounds[s] == sounds[beam[i].last]
            chance = (beam[i].blank if same else beam[i].total) * probs[s]
            most = chance * (highest if kinds[s] == CONTINUES else highest_end)
            if most >= floor and find_child(arena, node, s) == NONE:
                neural.wanted[counts[WANTED]] = node
                counts[WANTED] += 1
                break
    return counts[WANTED] > 0


@lean
def propose(
    first: int,
    stop: int,
    active: NDArray[np.int32],
    probs: NDArray[np.float64],
    floor: float,
    count: int,
    best: float,
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    leader: int,
    new: NDArray[np.void],
    kinds: NDArray[np.int8],
    sounds: NDArray[np.int32],
    inside: float,
    start: float,
    highest_end: float,
) -> tuple[int, int, float]:
    """Prefixes that come of those from `first` to `stop`, the best one first, and may be new to the
    beam: those that are known into `new` after the `count` that are there, others from its end on.
    The number of the former, the place of the last of the others, the best chance after `best`."""
    unmet = len(new)
    for place in range(first, stop):
        i = leader if place == 0 else 0 if place == leader else place
        if beam[i].total * probs[active[0]] * highest_end < floor:
            continue
        node, last, total = beam[i].node, sounds[beam[i].last], beam[i].total
        highest = start if arena[node].word == ROOT else inside
        for s in active:
            chance = (beam[i].blank if sounds[s] == last else total) * probs[s]
            if chance * (highest if kinds[s] == CONTINUES else highest_end) < floor:
                continue
            child = find_child(arena, node, s)
            if child == NONE:
                unmet -= 1
                new[unmet].chance, new[unmet].parent, new[unmet].symbol = chance, node, s
            elif arena[child].slot == NONE:  # `stay` has counted this way to those in the beam
                chance *= arena[child].factor
                if chance >= floor and chance > 0:
                    new[count].chance, new[count].node = chance, child
                    best = max(best, chance)
                    count += 1
    return count, unmet, best


@lean
def keep(
    blank: float,
    floor: float,
    fresh: int,
    beam: NDArray[np.void],
    arena: NDArray[np.void],
    counts: NDArray[np.int64],
    new: NDArray[np.void],
    values: NDArray[np.float64],
) -> None:
    """Drop prefixes below `floor` and what the beam cannot hold, bring those that stay up to date,
    add the `fresh` first of `new`."""
    alive = counts[ALIVE]
    if alive + fresh > len(beam):
        floor = max(floor, rank_floor(floor, beam, alive, new, fresh, values))
    size, best = 0, 0.0
    for i in range(alive):
        node = beam[i].node
        if beam[i].score >= floor:
            beam[i].blank = beam[i].total * blank
            beam[i].symbol, beam[i].total = beam[i].ends, beam[i].score
            if size != i:
                beam[size] = beam[i]
                arena[node].slot = size
            if beam[size].total > best:
                best, counts[LEADER] = beam[size].total, size
            size += 1
        else:
            arena[node].slot = NONE
    for c in range(fresh):
        if new[c].chance >= floor and size < len(beam):
            node = new[c].node
            beam[size].node, beam[size].blank = node, 0.0
            beam[size].symbol, beam[size].total = new[c].chance, new[c].chance
            beam[size].factor, beam[size].parent = arena[node].factor, arena[node].parent
            beam[size].last = arena[node].symbol
            arena[node].slot = size
            if beam[size].total > best:
                best, counts[LEADER] = beam[size].total, size
            size += 1
    counts[ALIVE] = size
