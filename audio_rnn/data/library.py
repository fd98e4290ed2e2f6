"""Pieces known by heart: where the last frames sound like those of one, in any key, how did it go on?

A recurrent network cannot keep hundreds of tunes note by note; this is its memory of them. What it
says of a frame depends on the pieces, and on the frames before that one only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

AHEAD = (0, 4)  # frames after a match that are told: the next, and that of a quarter later
MOST = 64  # matches that are told of a frame
SHORTER = 8  # in which length a match has 1/e of the share of a longer one
FALL_SILENT, START = 1000, 1001  # in place of a step to a rest, and from one
OPENING = 1002  # and to the first frame of a piece, which agrees with nothing

Keys = NDArray[np.int64]  # the key that each voice sings, one above the highest for a rest


class Found(NamedTuple):
    """The best matches of what was heard until a frame, the very best one first."""

    places: NDArray[np.int64]  # (matches,) the frames of the library that come after each
    shares: NDArray[np.float64]  # (matches,) by length; they sum to 1
    lengths: tuple[int, int]  # of the best: frames of the tune, and of the others in the mean


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0), (0, 0))


@dataclass(frozen=True)
class Library:
    """Pieces of the same number of voices, the first of which has the tune."""

    names: tuple[str, ...]
    lengths: tuple[int, ...]  # frames of each piece
    sung: Keys  # (frames, voices), one piece after the other
    rest: int  # what stands for one: the number of keys

    @classmethod
    def of(cls, rolls: Mapping[str, NDArray[np.uint8]]) -> Library:
        """Of rolls (frames, voices, keys) by name."""
        rest = next(iter(rolls.values())).shape[2]
        sung = np.concatenate([sung_in(roll) for roll in rolls.values()])
        return cls(tuple(rolls), tuple(map(len, rolls.values())), sung, rest)

    @cached_property
    def steps(self) -> NDArray[np.int16]:
        """(voices, frames) how far each voice has moved since the frame before."""
        steps = moved(self.sung[:-1], self.sung[1:], self.rest)
        steps = np.concatenate([np.zeros((1, steps.shape[1]), np.int16), steps])
        steps[np.cumsum((0, *self.lengths[:-1]))] = OPENING
        return np.ascontiguousarray(steps.T)

    @cached_property
    def piece(self) -> NDArray[np.int64]:
        """(frames,) the number of the piece that each belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def find(self, roll: NDArray[np.uint8], name: str = "") -> list[Found]:
        """For each frame of a roll (frames, voices, keys), what those before it are like in all
        pieces but that of its name. The same in every key."""
        search = Search(self, name)
        return [NOTHING, *map(search.advance, sung_in(roll)[:-1])]

    def follow(
        self, roll: NDArray[np.uint8], found: Sequence[Found]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """What `tell` says of a whole roll, in which `find` has found so much, in any key."""
        tune = sung_in(roll)[:-1, 0]
        return self.tell(np.concatenate([[self.rest], tune]), found)

    @property
    def told(self) -> int:
        """Rows of keys that are told of a frame."""
        return 2 * len(AHEAD) * self.sung.shape[1]

    def tell(
        self, tune: Keys, found: Sequence[Found]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """How the pieces go on, moved to where the tune stands.

        Args:
            tune: (frames,) the key of the first voice in the frame before.
            found: for each frame.

        Returns:
            (frames, told, keys): in which share of the matches a voice sings a key so many frames
            later, and whether it does in the best one; and (frames, 2): how long that one is.
        """
        rows = np.repeat(np.arange(len(found)), [len(one.places) for one in found])
        places, shares = (np.concatenate([one[part] for one in found]) for part in (0, 1))
        keys = self._moved_on(places, tune[rows])
        width, count = keys.shape[1], self.rest + 1
        index = ((rows[:, None] * width + np.arange(width)) * count + keys).ravel()
        best = np.diff(rows, prepend=-1) > 0
        told = [
            np.bincount(index, np.repeat(weights, width), len(found) * width * count)
            for weights in (shares, best)
        ]
        by_key = np.array(told, np.float32).reshape(2, len(found), width, count)[..., : self.rest]
        return np.concatenate([*by_key], axis=1), np.array([one.lengths for one in found])

    def _moved_on(self, places: NDArray[np.int64], tune: Keys) -> Keys:
        """What is sung AHEAD of places, moved from the tune before each to that which is given:
        (places, len(AHEAD) * voices), a rest beyond the keyboard and the piece."""
        later = places[:, None] + AHEAD
        within = later < len(self.sung)
        later = np.where(within, later, 0)
        within &= self.piece[later] == self.piece[places][:, None]
        from_key, keys = self.sung[places - 1, 0], self.sung[later]
        there = keys + (tune - from_key)[:, None, None]
        fits = within[..., None] & (keys < self.rest) & (there >= 0) & (there < self.rest)
        fits &= ((tune < self.rest) & (from_key < self.rest))[:, None, None]
        return np.where(fits, there, self.rest).reshape(len(places), self.told // 2)


class Search:
    """Goes along a piece, frame by frame, beside all the pieces of a library at once."""

    def __init__(self, library: Library, name: str = "") -> None:
        """`name` is that of the piece itself, which is passed over."""
        self.library = library
        self.possible = library.steps[0] != OPENING  # frames that another one comes before
        if name in library.names:
            self.possible &= library.piece != library.names.index(name)
        self.before: Keys | None = None
        self.runs = np.zeros(library.steps.shape, np.int16)  # steps that agree, before each frame
        self.longest = np.iinfo(np.int16).max // (len(self.runs) + 1)  # that are counted

    def advance(self, sung: Keys) -> Found:
        """Hear a frame (voices,); what was heard until now is like what in the library?

        A match is the longer the more steps agree in all voices taken together; the tune, in which
        one must agree, counts twice.
        """
        runs = np.zeros_like(self.runs)
        if self.before is not None:
            steps = moved(self.before, sung, self.library.rest)
            agree = self.library.steps[:, :-1] == steps[:, None]
            np.multiply(np.minimum(self.runs[:, :-1] + 1, self.longest), agree, out=runs[:, 1:])
        self.before, self.runs = sung, runs
        length = (runs.sum(0, dtype=np.int16) + runs[0]) * ((runs[0] > 0) & self.possible)
        return self._choose(length)

    def _choose(self, length: NDArray[np.int16]) -> Found:
        """The best of all places."""
        longest = int(length.max())
        if not longest:
            return NOTHING
        places = np.flatnonzero(length >= max(longest - 5 * SHORTER, 1))
        shorter = longest - length[places]
        enough = np.searchsorted(np.bincount(shorter).cumsum(), MOST)  # no need to sort the rest
        places, shorter = places[shorter <= enough], shorter[shorter <= enough]
        places = places[np.argsort(shorter, kind="stable")[:MOST]]
        shares = np.exp((length[places] - longest) / SHORTER)
        tune, *others = self.runs[:, places[0]].tolist()
        return Found(places, shares / shares.sum(), (tune, sum(others) // max(len(others), 1)))


def moved(before: Keys, sung: Keys, rest: int) -> NDArray[np.int16]:
    """The steps of voices, the same in every key."""
    silent = sung == rest
    changed = silent != (before == rest)
    return np.where(changed, np.where(silent, FALL_SILENT, START), sung - before).astype(np.int16)


def sung_in(roll: NDArray[np.uint8]) -> Keys:
    """(frames, voices, keys) of 0 and 1, at most one key a voice -> (frames, voices)."""
    return np.where(roll.any(axis=2), roll.argmax(axis=2), roll.shape[2])
