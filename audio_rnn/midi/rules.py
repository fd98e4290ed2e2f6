"""The rules of a piece as a record of numbers, and how much room they leave: compiled, as its state is."""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.midi.lengths import LONGEST, following, shortest
from audio_rnn.midi.piece import PITCHES, WHOLE
from audio_rnn.midi.symbols import FIRST, SIZE, Kind, ids_of

compiled = njit(cache=True, nogil=True)
ANY = -1  # bars, or an end, that nobody asked for
ENDLESS = 1 << 32  # bars
NEVER = 1 << 62  # a step beyond all
RULES = np.dtype(
    [
        ("usable", np.uint8, SIZE),  # 1 for symbols that may be used at all
        ("begins", np.int64, len(PITCHES)),  # 0, or NEVER where a pitch may not be used
        ("after", np.int64, WHOLE),  # see `following`
        ("held", np.bool_),  # whether `hold` may be used
        ("bars", np.int64),  # how many the piece has; ANY, ENDLESS
        ("end", np.int64),  # step at which its last bar ends, where it is known, or ANY
    ]
)


def rules_of(usable: np.ndarray, bars: float | None, end: int | None) -> np.ndarray:
    """(1,) RULES; see `Grammar`."""
    made = np.zeros(1, RULES)
    made["usable"] = usable
    made["begins"] = np.where(usable[ids_of(Kind.PITCH)], 0, NEVER)
    made["after"] = following(usable)
    made["held"] = usable[FIRST[Kind.HOLD]]
    made["bars"] = ANY if bars is None else min(bars, ENDLESS)
    made["end"] = ANY if end is None else end
    return made


@compiled
def free_from(states: np.ndarray, rules: np.ndarray, first: int, last: int) -> int:
    """The first step at which a voice, from one to before another, has a pitch that it may begin.

    Of the first piece.
    """
    return free_in(states[0], rules[0], first, last, 0)


@compiled
def free_in(state: np.record, rules: np.record, first: int, last: int, now: int) -> int:
    """The same; any step up to `now` is as good as another."""
    free = NEVER
    for voice in range(first, last):
        sounds = state.sounds[voice]
        for pitch in range(len(sounds)):
            free = min(free, max(sounds[pitch], rules.begins[pitch]))
            if free <= now:
                return free
    return free


@compiled
def room_behind_bar(state: np.record, rules: np.record) -> int:
    """Steps that a note may sound on after this bar."""
    if rules.end != ANY:
        return rules.end - state.start - state.steps
    if rules.bars == ANY or rules.bars == ENDLESS:
        return LONGEST
    return (rules.bars - state.bar) * state.steps


@compiled
def room_of_note(state: np.record, rules: np.record) -> int:
    """Steps that a note beginning now may have."""
    left = state.start + state.steps - state.now
    return min(left + room_behind_bar(state, rules), LONGEST)


@compiled
def note_fits(state: np.record, rules: np.record, least: int) -> bool:
    """Whether a note beginning now may have so many steps or more."""
    return shortest(least, rules.after, rules.held) <= room_of_note(state, rules)


@compiled
def has_pitch(state: np.record, rules: np.record, voice: int) -> bool:
    """Whether a voice has a pitch that it may begin now."""
    return free_in(state, rules, voice, voice + 1, state.now) <= state.now
