"""Symbols drawn from a model one after the other, within what a constraint allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
from numba import njit

from audio_rnn.config import require
from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.decoding.guidance import GuidedStepper
from audio_rnn.decoding.planned import Planned
from audio_rnn.decoding.together import Together
from audio_rnn.errors import DecodingError
from audio_rnn.models.stepper import Layer, Stepper, choose_rows

WINDOW = 24  # last symbols whose repetition is held against them, where they count
AHEAD = 64  # random numbers of a sequence that are drawn at once
NONE = -1  # no symbol


class Constraint(Protocol):
    """What may come next in one sequence; the boundary is its end."""

    def allowed(self) -> np.ndarray:
        """(symbols,) bool."""

    def take(self, symbol: int) -> None:
        """Go on by an allowed symbol."""


@dataclass(frozen=True)
class SamplingConfig:
    """How one symbol is drawn."""

    temperature: float = 1.0  # under 1: more of what is likely; over 1: more surprise
    top_k: int | None = None  # only so many of the likeliest symbols
    top_p: float = 1.0  # only the likeliest that together have this probability
    repetition: float = 1.0  # odds of pitches of the last notes are divided by this

    def __post_init__(self) -> None:
        require(0 < self.temperature < float("inf"), "temperature", self.temperature, "above 0")
        require(self.top_k is None or self.top_k >= 1, "top_k", self.top_k, "1 or more")
        require(0 < self.top_p <= 1, "top_p", self.top_p, "above 0, at most 1")
        require(0 < self.repetition < float("inf"), "repetition", self.repetition, "above 0")


class Sampler:
    """Draws sequences side by side; each is the same as it would be alone.

    A sequence draws its own random numbers from its own seed, and every number that leads to a
    symbol is computed within the sequence (see `models/stepper.py`).
    """

    def __init__(
        self,
        model: Stepper | GuidedStepper,
        config: SamplingConfig,
        counted: np.ndarray | None = None,
    ) -> None:
        """counted: (symbols,) bool, those that a penalty of repetition is for; None for all."""
        self.model, self.config = model, config
        self.counted = counted

    def sample(
        self, pieces: Sequence[Planned], seeds: Sequence[int], given: Sequence[int] = ()
    ) -> Iterator[list[tuple[int, int]]]:
        """Draw until every sequence has ended; memory does not grow with what has been drawn.

        Args:
            pieces: one for each sequence, which have taken what is `given`; they stay as they are.
            seeds: one for each sequence.
            given: symbols that all of them begin with.

        Yields:
            after each step, (number of the sequence, symbol) for those that go on.

        Raises: DecodingError where no symbol is allowed.
        """
        rows, together = np.arange(len(pieces)), Together(pieces)
        logits, state = self.read(len(rows), given)
        chances, recent = Chances(seeds), recent_of([given] * len(rows))
        for step in count():
            symbols = self.draw(logits, check(together.allowed()), chances.draw(), recent)
            going = symbols != BOUNDARY
            if not going.all():
                rows, symbols, recent = rows[going], symbols[going], recent[going]
                chances.keep(going)
                together.keep(going)
                state = choose_rows(state, going)
            if not len(rows):
                return
            together.take(symbols)
            recent[:, step % WINDOW] = symbols  # in place of the oldest
            yield list(zip(rows.tolist(), symbols.tolist()))
            logits, state = self.model.step(symbols, state)

    def read(self, batch: int, given: Sequence[int]) -> tuple[np.ndarray, list[Layer]]:
        """Logits and state of so many sequences that all begin with `given`."""
        logits, state = self.model.start(batch)
        for symbol in given:
            logits, state = self.model.step(np.full(batch, symbol), state)
        return logits, state

    def draw(
        self,
        logits: np.ndarray,
        allowed: np.ndarray,
        chances: np.ndarray,
        recent: np.ndarray,
    ) -> np.ndarray:
        """One symbol for each sequence, out of those that are `allowed` (batch, symbols).

        Each has its own chance (batch,) in [0, 1), and its own last symbols (batch, WINDOW).
        """
        config = self.config
        if config.repetition != 1:
            again = self._again(recent, logits.shape[1])
            logits = logits - np.float32(np.log(config.repetition)) * again
        top_k = config.top_k or allowed.shape[1]
        return draw(logits, allowed, chances, config.temperature, top_k, config.top_p)

    def _again(self, recent: np.ndarray, symbols: int) -> np.ndarray:
        """(batch, symbols) bool: what a penalty of repetition is for."""
        again = np.zeros((len(recent), symbols + 1), bool)
        np.put_along_axis(again, recent, True, axis=1)
        again = again[:, :NONE]
        return again if self.counted is None else again & self.counted


class Chances:
    """Random numbers of sequences side by side, of each from its own seed."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        self.ahead = np.empty((0, len(seeds)))

    def draw(self) -> np.ndarray:
        """(batch,) one of each sequence, in [0, 1)."""
        if not len(self.ahead):
            drawn = [generator.random(AHEAD) for generator in self.generators]
            self.ahead = np.stack(drawn, axis=1)
        chances, self.ahead = self.ahead[0], self.ahead[1:]
        return chances

    def keep(self, some: np.ndarray) -> None:
        """Leave out all sequences but some (batch,) bool."""
        self.generators = [g for g, stays in zip(self.generators, some) if stays]
        self.ahead = self.ahead.compress(some, axis=1)


def recent_of(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """The last symbols (batch, WINDOW) of sequences, behind NONE where there are fewer."""
    padded = [[NONE] * (WINDOW - len(ids)) + list(ids[-WINDOW:]) for ids in sequences]
    return np.array(padded, np.int64).reshape(-1, WINDOW)


def check(allowed: np.ndarray) -> np.ndarray:
    """`allowed` (batch, symbols). Raises: DecodingError where nothing may come next."""
    if not allowed.any(axis=1).all():
        raise DecodingError(
            "found no symbol that may come next, expected one: the settings exclude each other; "
            "widen the range of pitches, the scale or the number of bars"
        )
    return allowed


@njit(cache=True, nogil=True)
def draw(
    logits: np.ndarray,
    allowed: np.ndarray,
    chances: np.ndarray,
    temperature: float,
    top_k: int,
    top_p: float,
) -> np.ndarray:
    """One symbol for each row of logits (batch, symbols), out of those that are `allowed`.

    Of the likeliest symbols, `top_k` (Fan et al. 2018) or as many as have the probability `top_p`
    (Holtzman et al. 2020), at least one. chances (batch,) in [0, 1) say which is drawn, in order of
    ids, as the inverse of the cumulative distribution.
    """
    chosen = np.zeros(len(logits), np.int64)
    for row in range(len(logits)):
        ids = np.flatnonzero(allowed[row])
        scores = logits[row][ids].astype(np.float64) / temperature
        weights = np.exp(scores - scores.max())
        if top_k < len(ids) or top_p < 1:
            keep_likeliest(weights, top_k, top_p)
        rest = chances[row] * weights.sum()
        last = 0
        for i in range(len(ids)):
            if weights[i] > 0:
                last = i
                rest -= weights[i]
                if rest < 0:
                    break
        chosen[row] = ids[last]
    return chosen


@njit(cache=True, nogil=True)
def keep_likeliest(weights: np.ndarray, top_k: int, top_p: float) -> None:
    """Set the weights to zero that are not among the likeliest; of equal ones the first stay."""
    order = np.argsort(-weights, kind="mergesort")
    enough = top_p * weights.sum()
    total = 0.0
    for rank, i in enumerate(order):
        if rank > 0 and (rank >= top_k or total >= enough):
            weights[i] = 0.0
        else:
            total += weights[i]
