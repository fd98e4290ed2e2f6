"""The likeliest sequence of a model within a constraint, by beam search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.decoding.sampling import Constraint
from audio_rnn.errors import DecodingError
from audio_rnn.models.stepper import Stepper, choose_rows


class Branching(Constraint, Protocol):
    """A constraint that may go on in several ways."""

    def copy(self) -> Self:
        """One that goes on from here by itself."""


C = TypeVar("C", bound=Branching)


@dataclass
class Hypothesis(Generic[C]):
    """A beginning, or all, of a sequence."""

    symbols: list[int]
    log_prob: float  # natural, of the symbols out of those that were allowed
    constraint: C


def find_likeliest(
    model: Stepper, constraint: C, width: int, longest: int, given: Sequence[int] = ()
) -> Hypothesis[C]:
    """The best of what a beam keeps: the highest log-probability a symbol, the end counted.

    Args:
        constraint: has taken what is `given`; it stays as it is.
        width: hypotheses that are kept at each step.
        longest: symbols after which an end is waited for no more.

    Raises: DecodingError where no sequence ends in time.
    """
    logits, state = model.start(1)
    for symbol in given:
        logits, state = model.step(np.array([symbol]), state)
    beam, ended = [Hypothesis([], 0.0, constraint)], []
    for _ in range(longest):
        grown = _grow(beam, logits, width)
        ended += [hypothesis for _, symbol, hypothesis in grown if symbol == BOUNDARY]
        going = [entry for entry in grown if entry[1] != BOUNDARY]
        if not going or len(ended) >= width:
            break
        beam = [hypothesis for _, _, hypothesis in going]
        rows, symbols = (np.array([entry[i] for entry in going]) for i in (0, 1))
        logits, state = model.step(symbols, choose_rows(state, rows))
    if not ended:
        raise DecodingError(
            f"found no end within {longest} symbols, expected one; name a smaller number of bars"
        )
    return max(ended, key=lambda h: h.log_prob / (len(h.symbols) + 1))


def _grow(
    beam: list[Hypothesis[C]], logits: np.ndarray, width: int
) -> list[tuple[int, int, Hypothesis[C]]]:
    """The best hypotheses of one symbol more: row of the one before, symbol, hypothesis."""
    allowed = np.stack([hypothesis.constraint.allowed() for hypothesis in beam])
    if not allowed.any():
        raise DecodingError("found no symbol that may come next, expected one; loosen the settings")
    scores = _log_softmax(np.where(allowed, logits.astype(np.float64), -np.inf))
    scores += np.array([hypothesis.log_prob for hypothesis in beam])[:, None]
    best = np.argsort(-scores, axis=None, kind="stable")[:width]
    rows, symbols = np.unravel_index(best, scores.shape)
    return [
        (int(row), int(symbol), _extend(beam[row], int(symbol), float(scores[row, symbol])))
        for row, symbol in zip(rows, symbols)
        if scores[row, symbol] > -np.inf
    ]


def _extend(hypothesis: Hypothesis[C], symbol: int, log_prob: float) -> Hypothesis[C]:
    constraint = hypothesis.constraint.copy()
    if symbol == BOUNDARY:
        return Hypothesis(hypothesis.symbols, log_prob, constraint)
    constraint.take(symbol)
    return Hypothesis([*hypothesis.symbols, symbol], log_prob, constraint)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    """Along the last axis; a row of nothing but impossible symbols stays impossible."""
    highest = scores.max(axis=1, keepdims=True)
    shifted = scores - np.where(np.isfinite(highest), highest, 0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.where(np.isfinite(scores), shifted - total, -np.inf)
