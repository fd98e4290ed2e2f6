"""What is asked of a piece, as compiled code: a mask of what the grammar allows and the plan wants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import njit

from audio_rnn.decoding.plan import Plan
from audio_rnn.midi.allowed import FIRST_OF_HEAD, LAST_OF_HEAD, allow
from audio_rnn.midi.controls import SPAN
from audio_rnn.midi.follow import NONE
from audio_rnn.midi.symbols import FIRSTS, REGISTERS, SIZE, SIZES, Kind

compiled = njit(cache=True, nogil=True)
COMMON = (0.02, 0.98)  # levels; what is beyond them a model has hardly seen
BEYOND = 2.0  # a share that is above every level
RAMPS = (Kind.DENSITY, Kind.REGISTER)  # what may change along a piece
WISHES = np.dtype(
    [
        ("fixed", np.int64, len(Kind)),  # the index that holds for the whole piece, or NONE
        ("ramps", np.float64, (len(RAMPS), 2)),  # levels at the beginning and at the end, or NaN
        ("first_register", np.float64),  # level of the beginning, or NaN
        ("spans", np.int64),  # steps of a ramp
        ("shares", np.float64, (len(RAMPS), len(REGISTERS))),  # at or below each, or BEYOND
    ]
)


def wishes_of(
    plan: Plan,
    fixed: Mapping[Kind, int],
    shares: Mapping[Kind, np.ndarray],
    first_register: float | None,
) -> np.ndarray:
    """(1,) WISHES; see `Planned`."""
    made = np.zeros(1, WISHES)
    made["fixed"] = NONE
    made["shares"] = BEYOND
    for kind, index in fixed.items():
        made["fixed"][0, kind] = index
    for n, (kind, ramp) in enumerate(zip(RAMPS, (plan.density, plan.register))):
        made["ramps"][0, n] = np.nan if ramp is None else ramp
        made["shares"][0, n, : SIZES[kind]] = shares[kind]
    free = plan.register is None and first_register is not None
    made["first_register"] = first_register if free else np.nan
    made["spans"] = (min(plan.bars, 1e9) - 1) // SPAN if plan.bars else 0
    return made


@compiled
def allow_wished(states: np.ndarray, rules: np.ndarray, wishes: np.ndarray) -> np.ndarray:
    """(pieces, symbols) bool: what may come next."""
    masks = np.zeros((len(states), SIZE), np.bool_)
    for n in range(len(states)):
        _allow(states[n], rules[n], wishes[n], masks[n])
    return masks


@compiled
def _allow(state: np.record, rules: np.record, wishes: np.record, mask: np.ndarray) -> None:
    allow(state, rules, mask)
    for kind in range(FIRST_OF_HEAD, LAST_OF_HEAD + 1):
        index = wished(kind, state, wishes)
        if index == NONE:
            continue
        first = FIRSTS[kind]
        wanted = mask[first + index]
        mask[first : first + SIZES[kind]] = False
        if wanted:
            mask[:] = False
            mask[first + index] = True
            return


@compiled
def wished(kind: int, state: np.record, wishes: np.record) -> int:
    """The index that a symbol of this kind shall have now; NONE for any."""
    if kind != Kind.DENSITY and kind != Kind.REGISTER:
        return wishes.fixed[kind]
    n = kind - Kind.DENSITY
    level = _level(wishes.ramps[n], state, wishes)
    if kind == Kind.REGISTER and state.bar <= 1 and not np.isnan(wishes.first_register):
        level = wishes.first_register
    if np.isnan(level):
        return NONE
    common = min(max(level, COMMON[0]), COMMON[1])
    return int(np.searchsorted(wishes.shares[n], common, side="right"))


@compiled
def _level(ramp: np.ndarray, state: np.record, wishes: np.record) -> float:
    """Of the bar that begins; it changes with every fourth one."""
    span = max(state.bar - 1, 0) // SPAN
    done = min(span / wishes.spans, 1.0) if wishes.spans else 0.0
    return ramp[0] + (ramp[1] - ramp[0]) * done
