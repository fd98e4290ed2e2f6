"""Which symbols may follow, as compiled code: of a piece's state and its rules a mask."""

from __future__ import annotations

import numpy as np
from numba import njit

from audio_rnn.midi.follow import HEAD
from audio_rnn.midi.lengths import shortest
from audio_rnn.midi.piece import WHOLE
from audio_rnn.midi.rules import ANY, free_in, has_pitch, note_fits, room_behind_bar, room_of_note
from audio_rnn.midi.symbols import BAR_STEPS, FIRSTS, SIZE, SIZES, Kind

compiled = njit(cache=True, nogil=True)
FIRST_OF_HEAD, LAST_OF_HEAD = int(HEAD[0]), int(HEAD[-1])


@compiled
def allow_all(states: np.ndarray, rules: np.ndarray) -> np.ndarray:
    """(pieces, symbols) bool: what may come next."""
    masks = np.zeros((len(states), SIZE), np.bool_)
    for n in range(len(states)):
        allow(states[n], rules[n], masks[n])
    return masks


@compiled
def allow(state: np.record, rules: np.record, mask: np.ndarray) -> None:
    """Set what may come next in a mask (symbols,) of nothing."""
    last = state.last
    if last == Kind.END:
        mask[FIRSTS[Kind.BAR]] = state.bar == 0
    elif state.position < 0:
        _allow_head(state, rules, mask)
    elif last == Kind.AT or last == Kind.KEY or last == Kind.TEMPO:
        _allow_changes(state, rules, mask)
    elif last == Kind.LENGTH:
        _allow_chord(state, rules, mask, state.voice)
        _allow_voices(state, rules, mask, state.voice + 1)
        _allow_position(state, rules, mask)
    elif last == Kind.VOICE:
        _allow_chord(state, rules, mask, state.voice)
    else:
        _allow_in_chord(state, rules, mask)
    for symbol in range(len(mask)):
        mask[symbol] &= rules.usable[symbol] == 1


@compiled
def _allow_head(state: np.record, rules: np.record, mask: np.ndarray) -> None:
    first = state.bar == 1
    if state.last == Kind.VOICE:
        _allow(mask, Kind.PROGRAM, 0, SIZES[Kind.PROGRAM])
        return
    if state.last != Kind.PROGRAM:
        inside = FIRST_OF_HEAD <= state.last <= LAST_OF_HEAD
        for kind in range(state.last + 1 if inside else FIRST_OF_HEAD, LAST_OF_HEAD + 1):
            if first or kind != Kind.BARS:
                _allow_change(state, rules, mask, kind)
            if first and (kind == Kind.METER or kind == Kind.TEMPO):
                return  # a piece tells these at its beginning
    if first and state.voices < SIZES[Kind.VOICE]:
        mask[FIRSTS[Kind.VOICE] + state.voices] = True
    if not first or state.voices:
        _allow_position(state, rules, mask)


@compiled
def _allow_change(state: np.record, rules: np.record, mask: np.ndarray, kind: int) -> None:
    _allow(mask, kind, 0, SIZES[kind])
    if state.current[kind] >= 0:
        mask[FIRSTS[kind] + state.current[kind]] = False
    if kind == Kind.METER and rules.bars != ANY:  # what sounds must end inside
        for meter, steps in enumerate(BAR_STEPS):
            fits = steps * (rules.bars - state.bar + 1) >= state.end - state.start
            mask[FIRSTS[kind] + meter] &= fits


@compiled
def _allow_changes(state: np.record, rules: np.record, mask: np.ndarray) -> None:
    """Behind a position: key and tempo, if it is not the head's, then notes."""
    for kind in (Kind.KEY, Kind.TEMPO):
        if state.position > 0 and (state.last == Kind.AT or state.last < kind):
            _allow_change(state, rules, mask, kind)
    _allow_chord(state, rules, mask, 0)
    _allow_voices(state, rules, mask, 1)
    if state.last != Kind.AT:
        _allow_position(state, rules, mask)


@compiled
def _allow_voices(state: np.record, rules: np.record, mask: np.ndarray, first: int) -> None:
    fits = note_fits(state, rules, 1)
    for voice in range(first, state.voices):
        mask[FIRSTS[Kind.VOICE] + voice] = fits and has_pitch(state, rules, voice)


@compiled
def _allow_chord(state: np.record, rules: np.record, mask: np.ndarray, voice: int) -> None:
    """A chord that comes behind those of this voice at this position."""
    if not has_pitch(state, rules, voice):
        return
    before = state.length if state.last == Kind.LENGTH else 0
    known, longer = state.velocities[voice], note_fits(state, rules, before + 1)
    if longer and known >= 0:
        _allow_pitches(state, mask, voice, 0)
    if longer:
        _allow(mask, Kind.VELOCITY, 0, SIZES[Kind.VELOCITY])
    elif before and note_fits(state, rules, before):
        _allow(mask, Kind.VELOCITY, known + 1, SIZES[Kind.VELOCITY])
    if known >= 0:
        mask[FIRSTS[Kind.VELOCITY] + known] = False


@compiled
def _allow_in_chord(state: np.record, rules: np.record, mask: np.ndarray) -> None:
    if state.last == Kind.VELOCITY:
        _allow_pitches(state, mask, state.voice, 0)
        return
    holds = state.holds
    if state.last == Kind.PITCH:
        _allow_pitches(state, mask, state.voice, state.highest + 1)
        holds = 0
    room, done = room_of_note(state, rules), holds * WHOLE
    _allow(mask, Kind.LENGTH, max(state.least - done - 1, 0), min(room - done, WHOLE))
    longer = shortest(max(state.least, done + WHOLE + 1), rules.after, rules.held)
    mask[FIRSTS[Kind.HOLD]] = rules.held and longer <= room


@compiled
def _allow_pitches(state: np.record, mask: np.ndarray, voice: int, lowest: int) -> None:
    sounds = state.sounds[voice]
    for pitch in range(lowest, len(sounds)):
        mask[FIRSTS[Kind.PITCH] + pitch] = sounds[pitch] <= state.now


@compiled
def _allow_position(state: np.record, rules: np.record, mask: np.ndarray) -> None:
    """A later position of this bar, another bar, or the end."""
    room = room_behind_bar(state, rules) - shortest(1, rules.after, rules.held)
    latest = min(state.steps, state.steps + room + 1)
    free = free_in(state, rules, 0, state.voices, state.now) - state.start
    _allow(mask, Kind.AT, max(state.position + 1, free), latest)
    mask[FIRSTS[Kind.BAR]] = rules.bars == ANY or rules.bars > state.bar
    inside = state.start < state.end <= state.start + state.steps
    mask[FIRSTS[Kind.END]] = inside and (rules.bars == ANY or rules.bars == state.bar)


@compiled
def _allow(mask: np.ndarray, kind: int, first: int, last: int) -> None:
    """Symbols of one kind, from place `first` to before place `last`."""
    for place in range(first, last):
        mask[FIRSTS[kind] + place] = True
