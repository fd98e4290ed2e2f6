"""Sequences drawn from a model around symbols that are given, by a cloud of particles.

What comes first should suit what is given later, which a model that reads forwards cannot know. So
several sequences, the particles, are drawn side by side; each weighs as much as the model finds what
is given likely after what it drew, and at every milestone the heavy ones go on in place of the light
(Gordon et al. 1993; for sequence models Lew et al. 2023). The more particles, the closer to the
model's own distribution of sequences that hold what is given; one particle knows nothing ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from scipy.special import logsumexp

from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.decoding.sampling import Constraint, Sampler, check, recent_of
from audio_rnn.models.stepper import choose_rows

ENDED = 1 << 60  # beyond every milestone


class Guided(Constraint, Protocol):
    """A constraint by what is given."""

    @property
    def milestone(self) -> int:
        """How far it is, in places that all sequences come by, as bars."""

    def copy(self) -> Self:
        """One that goes on from here by itself."""


G = TypeVar("G", bound=Guided)


def draw_around(
    sampler: Sampler,
    constraint: Guided,
    seed: int,
    particles: int,
    progress: Callable[[int], object] = lambda milestone: None,
) -> list[int]:
    """Symbols of one sequence; the same for the same seed.

    Args:
        constraint: has taken nothing yet; it stays as it is.
        particles: sequences that are drawn side by side.
        progress: is told the milestone that all of them have come by where they have not ended.

    Raises: DecodingError where no symbol is allowed.
    """
    cloud = _Cloud(sampler, constraint, seed, particles)
    while not cloud.ended.all():
        progress(cloud.advance())
        cloud.resample()
    return cloud.symbols[cloud.choose()]


class _Cloud(Generic[G]):
    """Sequences that are drawn side by side, and what each weighs."""

    def __init__(self, sampler: Sampler, constraint: G, seed: int, particles: int) -> None:
        self.sampler = sampler
        self.constraints = [constraint.copy() for _ in range(particles)]
        self.symbols: list[list[int]] = [[] for _ in range(particles)]
        self.weights = np.zeros(particles)  # natural logarithms
        self.ended = np.zeros(particles, bool)
        self.logits, self.state = sampler.read(particles, ())
        self.own, *self.draws = np.random.default_rng(seed).spawn(particles + 1)

    def advance(self) -> int:
        """Draw until every sequence has come by one more milestone, or has ended; which one."""
        goal = 1 + self._milestones().min()
        while (rows := np.flatnonzero(self._milestones() < goal)).size:
            allowed = check(np.stack([self.constraints[row].allowed() for row in rows]))
            self.weights[rows] += self._log_mass(rows, allowed)
            symbols = self.sampler.draw(
                self.logits[rows],
                allowed,
                np.array([self.draws[row].random() for row in rows]),
                recent_of([self.symbols[row] for row in rows]),
            )
            self._take(rows, symbols)
        return int(goal)

    def resample(self) -> None:
        """Where few of them have most of the weight: each again as often as it weighs."""
        chosen = choose_again(self.weights, self.own)
        if chosen is None:
            return
        self.constraints = [self.constraints[i].copy() for i in chosen]
        self.symbols = [self.symbols[i].copy() for i in chosen]
        self.ended, self.weights = self.ended[chosen], np.zeros(len(chosen))
        self.logits, self.state = self.logits[chosen], choose_rows(self.state, chosen)

    def choose(self) -> int:
        """One of the sequences, by weight."""
        return int(self.own.choice(len(self.weights), p=shares_of(self.weights)))

    def _milestones(self) -> np.ndarray:
        return np.where(self.ended, ENDED, [c.milestone for c in self.constraints])

    def _log_mass(self, rows: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Log-probability of all that is allowed: of what is given, where that is one symbol."""
        scores = self.logits[rows].astype(np.float64) / self.sampler.config.temperature
        return logsumexp(scores, axis=1, b=allowed) - logsumexp(scores, axis=1)

    def _take(self, rows: np.ndarray, symbols: np.ndarray) -> None:
        self.ended[rows] = symbols == BOUNDARY
        rows, symbols = rows[symbols != BOUNDARY], symbols[symbols != BOUNDARY]
        for row, symbol in zip(rows, symbols.tolist()):
            self.constraints[row].take(symbol)
            self.symbols[row].append(symbol)
        self.logits[rows], after = self.sampler.model.step(symbols, choose_rows(self.state, rows))
        for layer, new in zip(self.state, after):
            for part, value in zip(layer, new):
                part[rows] = value


def choose_again(weights: np.ndarray, random: np.random.Generator) -> np.ndarray | None:
    """Which particles go on, each about as often as it weighs; None where the weight is spread.

    weights: (particles,) natural logarithms.
    """
    shares = shares_of(weights)
    if 1 / (shares**2).sum() > len(shares) / 2:
        return None
    places = (random.random() + np.arange(len(shares))) / len(shares)
    return np.searchsorted(shares.cumsum(), places).clip(max=len(shares) - 1)


def shares_of(weights: np.ndarray) -> np.ndarray:
    """Of all weight, which is given as natural logarithms."""
    return np.exp(weights - logsumexp(weights))
