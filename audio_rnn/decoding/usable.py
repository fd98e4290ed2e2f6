"""Which symbols a planned piece may be written with, and what people call them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio_rnn.decoding.plan import Plan
from audio_rnn.errors import MusicError
from audio_rnn.midi.home import STAY, Home
from audio_rnn.midi.piece import PITCHES, Key
from audio_rnn.midi.symbols import COUNTS, FIRST, KEYS, NAMES, SIZE, Kind, ids_of

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 9, 10, 11)  # with both sixths and sevenths


def find_usable(
    plan: Plan, known: np.ndarray | None, key: Key | None, home: Home = STAY
) -> np.ndarray:
    """(symbols,) bool: those that are known, with pitches as planned.

    Raises: MusicError where no pitch may sound.
    """
    usable = np.ones(SIZE, bool) if known is None else known.copy()
    usable[ids_of(Kind.PITCH)] &= _pitches(plan, plan.key or key, home)
    if not usable[ids_of(Kind.PITCH)].any():
        raise MusicError(
            f"found no pitch from {plan.lowest} to {plan.highest} that the model knows"
            f"{' in the scale' if plan.scale else ''}, expected some; widen the range"
        )
    return usable


def _pitches(plan: Plan, key: Key | None, home: Home) -> np.ndarray:
    pitches = np.arange(len(PITCHES)) + home.semitones
    allowed = (plan.lowest <= pitches) & (pitches <= plan.highest)
    if not plan.scale:
        return allowed
    if key is None:
        raise MusicError(
            "scale: found no key, expected one to be named, or a primer or melody that has one"
        )
    return allowed & np.isin((pitches - key.tonic) % 12, MINOR if key.minor else MAJOR)


def check_known(usable: np.ndarray, kind: Kind, index: int, home: Home, key: Key | None) -> None:
    """Raises: MusicError for a planned symbol that is not usable; `key` is that of a primer."""
    if kind in (Kind.TEMPO, Kind.BARS):  # numbers, of which the model need not know each
        usable[FIRST[kind] + index] = True
    if not usable[FIRST[kind] + index]:
        known = np.flatnonzero(usable[ids_of(kind)]).tolist()
        behind = f" after a primer in {key.name}" if key and kind is Kind.KEY else ""
        found = f"{names_of(kind, [index], home)}{behind}"
        raise MusicError(
            f"{kind.name.lower()}: found {found}, which the model never saw; "
            f"expected one of {names_of(kind, known, home) or 'none at all'}"
        )


def names_of(kind: Kind, indices: Sequence[int], home: Home = STAY) -> str:
    """Names of symbols for people, by their places among their kind."""
    assert max(indices, default=0) < COUNTS[kind]
    if kind is Kind.KEY:
        return ", ".join(home.lead_key(KEYS[i]).name for i in indices)
    return ", ".join(NAMES[kind][i].partition("_")[2] for i in indices)
