"""The loop of prefix beam search, compiled by numba.

The beam holds, for each of its prefixes, the probability of ending in a blank and of ending in
its last symbol (Graves 2012, section 7.4; Hannun et al. 2014), each times the prefix's factor of
knowledge. They are kept near 1 by a common scale whose logarithm is counted, which is as exact as
sums of logarithms and needs none in the loop. In a step with no symbol likely enough to be tried
all prefixes become less likely by the same factor, so that such a step takes next to no time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.prefixes import make_children
from audio_rnn.decoding.beam.step import keep, propose, stay, want_rows
from audio_rnn.decoding.beam.tables import (
    ALIVE,
    LEADER,
    NODES,
    SETTLED,
    SILENT,
    SPOKEN,
    STEPS,
    Fusion,
    Neural,
    Pruning,
    Room,
)
from audio_rnn.decoding.beam.trie import NONE
from audio_rnn.decoding.compiled import lean
from audio_rnn.vocabulary import BLANK

# Why the search stopped: at the end, at a pause, after the longest segment, for lack of nodes, for
# rows that are `wanted`, at what is not a number.
RAN, PAUSED, LONG, FULL, WAITS, BROKEN = range(6)
RESCALE = 1e-30  # best probability at which the scale moves, and 1 / that


@lean
def search(
    log_probs: NDArray[np.float32],
    start: int,
    stop: int,
    room: Room,
    fusion: Fusion,
    neural: Neural,
    pruning: Pruning,
    pause: int,
    longest: int,
) -> tuple[int, int]:
    """Go through log_probs (steps, symbols) from `start` to `stop`; the next step, and why there."""
    arena, counts, active, scale = room.arena, room.counts, room.active, room.scale
    for t in range(start, stop):
        tried = choose_symbols(log_probs, t, pruning.floor, pruning.symbols, active)
        if tried == NONE:
            return t, BROKEN
        if tried == 0:
            scale[0] += log_probs[t, BLANK]
            settle(room.beam, counts)
        elif counts[NODES] + counts[ALIVE] * tried > len(arena):
            return t, FULL
        elif not step(log_probs, t, tried, room, fusion, neural, pruning.beam):
            return t, WAITS
        why = listen(
            tried > 0 and log_probs[t, active[0]] > log_probs[t, BLANK], counts, pause, longest
        )
        if why != RAN:
            return t + 1, why
    return stop, RAN


@lean
def step(
    log_probs: NDArray[np.float32],
    t: int,
    tried: int,
    room: Room,
    fusion: Fusion,
    neural: Neural,
    share: float,
) -> bool:
    """The beam after step t, with prefixes below a share of the best one dropped; False, and nothing
    done, if rows of the neural model are wanted first."""
    beam, arena, counts, new, probs = room.beam, room.arena, room.counts, room.new, room.probs
    active, blank = room.active[:tried], np.exp(log_probs[t, BLANK])
    for s in active:
        probs[s] = np.exp(log_probs[t, s])
    best, least = stay(blank, probs, beam, counts[ALIVE], arena, fusion.sounds)
    floor = best * share
    if counts[ALIVE] == len(beam):
        floor = max(floor, least)  # as many are better than what is below
    ready = len(neural.scores) == 0 or not want_rows(
        active, probs, floor, beam, arena, counts, fusion, neural
    )
    if ready:
        fresh = 0
        for first, last in ((0, 1), (1, counts[ALIVE])):  # the best alone raises the floor
            fresh, unmet, best = propose(
                first, last, active, probs, floor, fresh, best, beam, arena, counts[LEADER],
                new, fusion.kind, fusion.sounds, fusion.highest,
                fusion.highest_start, fusion.highest_end,
            )  # fmt: skip
            if unmet < len(new):
                fresh, best = make_children(
                    new, unmet, fresh, best, floor, arena, counts, fusion, neural
                )
            floor = max(floor, best * share)
        keep(blank, floor, fresh, beam, arena, counts, new, room.values)
        rescale(best, room)
        counts[SETTLED] = 0
    for s in active:
        probs[s] = 0
    return ready


@lean
def listen(spoken: bool, counts: NDArray[np.int64], pause: int, longest: int) -> int:
    """Count a step, and the silence that it may go on; PAUSED, LONG or RAN."""
    counts[STEPS] += 1
    if spoken:
        counts[SILENT] = 0
        counts[SPOKEN] = 1
    else:
        counts[SILENT] += 1
        if counts[SPOKEN] and counts[SILENT] >= pause:
            return PAUSED
    return LONG if counts[STEPS] >= longest else RAN


@lean
def choose_symbols(
    log_probs: NDArray[np.float32], t: int, floor: float, most: int, active: NDArray[np.int32]
) -> int:
    """The likeliest symbols but the blank at step t, best first, into `active`; how many, or NONE
    at what is not a number."""
    hopeful, least = 0, np.float32(floor)
    for s in range(1, log_probs.shape[1]):
        hopeful += not log_probs[t, s] < least  # apart from the rest, so that it runs in parallel
    if hopeful == 0 and log_probs[t, BLANK] >= least:
        return 0
    if np.isnan(log_probs[t, BLANK]):
        return NONE
    count, s = 0, 0
    while hopeful:
        s += 1
        value = log_probs[t, s]
        if value < least:
            continue
        hopeful -= 1
        if np.isnan(value):
            return NONE
        if count == most:
            if value <= log_probs[t, active[count - 1]]:
                continue
            count -= 1
        place = count
        while place > 0 and log_probs[t, active[place - 1]] < value:
            active[place] = active[place - 1]
            place -= 1
        active[place] = s
        count += 1
    if count == 0 and log_probs.shape[1] > 1:  # all are unlikely, and the blank too
        active[0], count = 1 + np.argmax(log_probs[t, 1:]), 1
    return count


@lean
def settle(beam: NDArray[np.void], counts: NDArray[np.int64]) -> None:
    """A step with nothing but the blank, its probability left to the scale."""
    if not counts[SETTLED]:
        for i in range(counts[ALIVE]):
            beam[i].blank, beam[i].symbol = beam[i].total, 0.0
        counts[SETTLED] = 1


@lean
def rescale(best: float, room: Room) -> None:
    """Bring probabilities near 1 if the `best` is far from it."""
    if 0 < best < RESCALE or best > 1 / RESCALE:
        room.scale[0] += np.log(best)
        for i in range(room.counts[ALIVE]):
            room.beam[i].blank /= best
            room.beam[i].symbol /= best
            room.beam[i].total /= best
