"""What prefixes write: their letters, and which of them write the same."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.spelling import CONTINUES
from audio_rnn.decoding.beam.tables import Fusion
from audio_rnn.decoding.beam.trie import NONE, ROOT
from audio_rnn.decoding.compiled import lean

SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 / golden ratio


@lean
def write_symbols(
    node: int, arena: NDArray[np.void], written: NDArray[np.int32], place: int
) -> int:
    """Symbols of a prefix, the root's own left out, into `written` from `place`; the place after
    them."""
    stop = place + depth(node, arena)
    for i in range(stop - 1, place - 1, -1):
        written[i] = arena[node].symbol
        node = arena[node].parent
    return stop


@numba.njit(cache=True, nogil=True)
def spell(
    arena: NDArray[np.void], nodes: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Symbols of prefixes one after the other, and where those of each end."""
    ends = np.cumsum(np.array([depth(node, arena) for node in nodes]))
    symbols = np.empty(ends[-1] if len(ends) else 0, np.int32)
    for i in range(len(nodes)):
        write_symbols(nodes[i], arena, symbols, ends[i - 1] if i else 0)
    return symbols, ends


@lean
def depth(node: int, arena: NDArray[np.void]) -> int:
    """Symbols of a prefix, the root's own left out."""
    count = 0
    while arena[node].parent != NONE:
        count, node = count + 1, arena[node].parent
    return count


@lean
def fingerprint(node: int, arena: NDArray[np.void], fusion: Fusion) -> np.uint64:
    """A number that is the same for prefixes that write the same words, and else another."""
    mixed, last = np.uint64(0), True  # whether no later symbol is of the same word
    while arena[node].parent != NONE:
        symbol, word = arena[node].symbol, arena[node].word
        if fusion.closed:
            if last and word != ROOT:
                mixed = mix(mixed, fusion.texts[fusion.trie.word[word]])
                last = False
        else:
            for i in range(
                fusion.first_letter[symbol + 1] - 1, fusion.first_letter[symbol] - 1, -1
            ):
                if last and mixed:
                    mixed = mix(mixed, -1)
                mixed = mix(mixed, fusion.letters[i])
                last = False
        last = last or fusion.kind[symbol] != CONTINUES
        node = arena[node].parent
    return mix(mixed, -1) if last and arena[node].word != ROOT else mixed


@lean
def mix(mixed: np.uint64, part: int) -> np.uint64:
    """A number that depends on both."""
    return (mixed ^ (mixed >> np.uint64(29))) * SPREAD + np.uint64(part + 2)


@numba.njit(cache=True, nogil=True)
def merge(
    beam: NDArray[np.void],
    places: NDArray[np.int64],
    scores: NDArray[np.float64],
    arena: NDArray[np.void],
    fusion: Fusion,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Prefixes that write the same are one text: the place of the best of each, and the score of
    all of them together. `scores` are those of all prefixes, `places` those that count."""
    texts, totals = np.empty(len(places), np.int64), np.empty(len(places))
    prints = np.empty(len(places), np.uint64)
    count = 0
    for place in places:
        prints[count] = own = fingerprint(beam[place].node, arena, fusion)
        i = 0
        while prints[i] != own:
            i += 1
        if i == count:
            texts[count], totals[count] = place, scores[place]
            count += 1
        else:
            totals[i] = np.logaddexp(totals[i], scores[place])
            if scores[place] > scores[texts[i]]:
                texts[i] = place
    return texts[:count], totals[:count]
