"""Many recordings in one compiled search."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.confidence import HOPELESS
from audio_rnn.decoding.beam.endings import Start, after_pause, begin, end_all, grown
from audio_rnn.decoding.beam.search import FULL, PAUSED, RAN, search
from audio_rnn.decoding.beam.spelling import CONTINUES
from audio_rnn.decoding.beam.tables import ALIVE, LEADER, Fusion, Neural, Pruning, Room
from audio_rnn.decoding.beam.texts import merge, write_symbols
from audio_rnn.decoding.beam.trie import NONE, ROOT
from audio_rnn.decoding.beam.writing import END


@numba.njit(cache=True, nogil=True)
def search_all(
    log_probs: NDArray[np.float32],
    stops: NDArray[np.int64],
    origin: Start,
    end: int,
    room: Room,
    fusion: Fusion,
    neural: Neural,
    pruning: Pruning,
    pause: int,
    longest: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Symbols of the best texts of recordings that stand one after the other in log_probs (steps,
    symbols): after each segment the number of all symbols, after each recording END. And RAN for
    each that went to its end, else why the search stopped before."""
    written, why = (
        np.empty(2 * len(log_probs) + 2 * len(stops), np.int32),
        np.full(len(stops), PAUSED),
    )
    t, place = 0, 0
    for i in range(len(stops)):
        begin(room, origin, 0, False)
        while why[i] == PAUSED or why[i] == FULL:
            t, why[i] = search(
                log_probs, t, stops[i], room, fusion, neural, pruning, pause, longest
            )
            if why[i] == FULL:
                room = grown(room)
            if why[i] == RAN or why[i] == PAUSED:
                node, best = best_text(room, fusion, neural, end if why[i] == RAN else NONE)
                place = write_symbols(node, room.arena, written, place)
                written[place] = log_probs.shape[1]
                place += 1
                lm, hot, _ = after_pause(best, room.arena, fusion, neural)
                begin(room, Start(lm, hot, ROOT, NONE, 1.0, 0.0, 0), 0, False)
        written[place] = END
        t, place = stops[i], place + 1
    return written[:place], why


@numba.njit(cache=True, nogil=True)
def best_text(room: Room, fusion: Fusion, neural: Neural, end: int) -> tuple[int, int]:
    """The prefix with the best text, of those that write whole words, and the prefix it came from."""
    scores = room.values[: room.counts[ALIVE]]
    end_all(room, fusion, neural, end, scores)
    best = np.argmax(scores)
    if scores[best] == -np.inf:  # a lexicon, and no prefix at the end of a word
        leader = room.beam[room.counts[LEADER]].node
        return whole_words(leader, room.arena, fusion), leader
    places = np.flatnonzero(scores > scores[best] - HOPELESS)
    if len(places) > 1:
        texts, totals = merge(room.beam, places, scores, room.arena, fusion)
        best = texts[np.argmax(totals)]
    return room.beam[best].node, room.beam[best].node


@numba.njit(cache=True, nogil=True)
def whole_words(node: int, arena: NDArray[np.void], fusion: Fusion) -> int:
    """The prefix without its open word, and without what opens it."""
    while arena[node].parent != NONE and fusion.kind[arena[node].symbol] == CONTINUES:
        node = arena[node].parent
    return arena[node].parent if arena[node].parent != NONE else node
