"""Symbols drawn from a model one after the other, within what a constraint allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import njit

from audio_rnn.config import require
from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.decoding.guidance import GuidedStepper
from audio_rnn.errors import DecodingError
from audio_rnn.models.stepper import Layer, Stepper, choose_rows

WINDOW = 24  # last symbols whose repetition is held against them, where they count


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
        self, constraints: Sequence[Constraint], seeds: Sequence[int], given: Sequence[int] = ()
    ) -> Iterator[list[tuple[int, int]]]:
        """Draw until every sequence has ended; memory does not grow with what has been drawn.

        Args:
            constraints: one for each sequence, which have taken what is `given`.
            seeds: one for each sequence.
            given: symbols that all of them begin with.

        Yields:
            after each step, (number of the sequence, symbol) for those that go on.

        Raises: DecodingError where no symbol is allowed.
        """
        rows = list(range(len(constraints)))
        logits, state = self.read(len(rows), given)
        draws = [np.random.default_rng(seed) for seed in seeds]
        recent = [deque(given, WINDOW) for _ in constraints]
        while rows:
            allowed = allow([constraints[row] for row in rows])
            symbols = self.draw(
                logits, allowed, [draws[row] for row in rows], [recent[row] for row in rows]
            )
            going = symbols != BOUNDARY
            rows = [row for row, goes in zip(rows, going) if goes]
            symbols = symbols[going]
            drawn = list(zip(rows, symbols.tolist()))
            for row, symbol in drawn:
                constraints[row].take(symbol)
                recent[row].append(symbol)
            if not drawn:
                return
            yield drawn
            logits, state = self.model.step(symbols, choose_rows(state, going))

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
        draws: Sequence[np.random.Generator],
        recent: Sequence[Iterable[int]],
    ) -> np.ndarray:
        """One symbol for each sequence, out of those that are `allowed` (batch, symbols).

        Each draws from its own random numbers, knowing its own last symbols.
        """
        if self.config.repetition != 1:
            logits = np.stack([self._penalise(*pair) for pair in zip(logits, recent)])
        chances = np.array([generator.random() for generator in draws])
        config = self.config
        top_k = config.top_k or allowed.shape[1]
        return draw(logits, allowed, chances, config.temperature, top_k, config.top_p)

    def _penalise(self, logits: np.ndarray, recent: Iterable[int]) -> np.ndarray:
        again = np.zeros(len(logits), bool)
        again[list(recent)] = True
        if self.counted is not None:
            again &= self.counted
        return logits - np.float32(np.log(self.config.repetition)) * again


def allow(constraints: Sequence[Constraint]) -> np.ndarray:
    """(batch, symbols) bool: what may come next. Raises: DecodingError where nothing may."""
    allowed = np.stack([constraint.allowed() for constraint in constraints])
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
