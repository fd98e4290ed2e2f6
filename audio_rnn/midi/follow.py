"""What has been read of a piece, as far as it says what may follow, and how a symbol changes it.

It lies in a record of numbers, so that compiled code follows many pieces side by side, and several
threads do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.compiling import tell_of_compiling
from audio_rnn.midi.piece import PITCHES, WHOLE
from audio_rnn.midi.symbols import ANNOTATIONS, BAR_STEPS, FIRSTS, KIND, VOICES, Kind

tell_of_compiling()
compiled = njit(cache=True, nogil=True)
HEAD = (Kind.METER, Kind.KEY, Kind.TEMPO, *ANNOTATIONS)  # in this order, in a bar
NONE = -1
STATE = np.dtype(
    [
        ("last", np.int64),  # kind of what was read last
        ("bar", np.int64),  # bars begun
        ("start", np.int64),  # of this bar: its first step
        ("steps", np.int64),  # and how many it has
        ("position", np.int64),  # the last one in this bar, in steps from its start, or NONE
        ("now", np.int64),  # the step that is being written
        ("voice", np.int64),
        ("voices", np.int64),  # declared
        (
            "current",
            np.int64,
            len(Kind),
        ),  # of each kind of HEAD, the index of what holds now, or NONE
        ("velocities", np.int64, len(VOICES)),  # indices, or NONE
        ("sounds", np.int64, (len(VOICES), len(PITCHES))),  # until this step
        ("end", np.int64),  # of the last note
        ("chord", np.uint8, len(PITCHES)),  # 1 for pitches that have no length yet, or just got it
        ("highest", np.int64),  # of these
        ("length", np.int64),  # of the chord read last in this voice at this position
        ("least", np.int64),  # steps that the length of the coming chord must have
        ("holds", np.int64),
    ]
)


def nothing_read() -> np.ndarray:
    """(1,) the STATE before a piece."""
    state = np.zeros(1, STATE)
    for name in ("position", "current", "velocities"):
        state[name] = NONE
    state["least"] = 1
    return state


@compiled
def follow_all(symbols: np.ndarray, states: np.ndarray) -> None:
    """Go on by a symbol of each piece (pieces,) that is known to be allowed."""
    for n in range(len(states)):
        _follow(symbols[n], states[n])


@compiled
def follow_first(symbol: int, states: np.ndarray) -> None:
    """The same of the first piece."""
    _follow(symbol, states[0])


@compiled
def _follow(symbol: int, state: np.record) -> None:
    kind = KIND[symbol]
    index = symbol - FIRSTS[kind]
    if Kind.METER <= kind <= Kind.REGISTER:
        state.current[kind] = index
    if kind == Kind.BAR:
        state.bar += 1
        state.start += state.steps
        state.position, state.now = NONE, state.start
    elif kind == Kind.METER:
        state.steps = BAR_STEPS[index]
    elif kind == Kind.AT:
        state.position, state.now, state.voice = index, state.start + index, 0
        state.length, state.least = 0, 1
    elif kind == Kind.VOICE and state.bar == 1 and state.position < 0:  # declares it
        state.voices = index + 1
    elif kind == Kind.VOICE:
        state.voice = index
        state.length, state.least = 0, 1
    elif kind == Kind.VELOCITY:
        louder = index > state.velocities[state.voice]
        state.least = state.length + (0 if louder and state.length else 1)
        state.velocities[state.voice] = index
    elif kind == Kind.PITCH:
        _add_pitch(index, state)
    elif kind == Kind.HOLD:
        state.holds += 1
    elif kind == Kind.LENGTH:
        _close_chord(state.holds * WHOLE + index + 1, state)
    state.last = kind


@compiled
def _add_pitch(pitch: int, state: np.record) -> None:
    if state.last != Kind.PITCH:
        state.chord[:] = 0
        state.holds = 0
        if state.last != Kind.VELOCITY:
            state.least = state.length + 1
    state.chord[pitch] = 1
    state.highest = pitch


@compiled
def _close_chord(length: int, state: np.record) -> None:
    end = state.now + length
    sounds = state.sounds[state.voice]
    for pitch in range(len(sounds)):
        if state.chord[pitch]:
            sounds[pitch] = end
    state.end = max(state.end, end)
    state.length = length
