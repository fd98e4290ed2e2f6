"""The texts that a beam holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.confidence import HOPELESS
from audio_rnn.decoding.beam.state import SearchState
from audio_rnn.decoding.beam.tables import Fusion
from audio_rnn.vocabulary import Vocabulary


class Text(NamedTuple):
    """Words that prefixes of the beam write."""

    words: tuple[str, ...]
    symbols: list[int]  # of the best of them
    score: float  # of all of them
    place: int  # of the best of them in the beam

    @classmethod
    def of(cls, symbols: list[int], score: float, place: int, vocabulary: Vocabulary) -> Text:
        """What one prefix writes."""
        return cls(tuple(vocabulary.decode(symbols).split()), symbols, score, place)


def texts_of(
    state: SearchState,
    scores: NDArray[np.float64],
    carried: list[int],
    fusion: Fusion,
    vocabulary: Vocabulary,
    count: int,
) -> list[Text]:
    """The best `count` texts and all rivals that make a difference to them, best first.

    Args:
        scores: of each prefix, -inf for one that writes no text.
        carried: symbols before the beam's.
        count: of prefixes; those that write the same are one text.
    """
    places, totals = state.merged(scores, _that_count(scores, count), fusion)
    return by_score(
        Text.of(carried + symbols, score, place, vocabulary)
        for symbols, score, place in zip(state.symbols(places), totals.tolist(), places.tolist())
    )


def rescored(texts: list[Text], gains: Sequence[float]) -> list[Text]:
    """The same with what each gains, best first."""
    return by_score(text._replace(score=text.score + gain) for text, gain in zip(texts, gains))


def by_score(texts: Iterable[Text]) -> list[Text]:
    """Best first."""
    return sorted(texts, key=lambda text: -text.score)


def _that_count(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the best `count` prefixes, and of all that make a difference."""
    near = scores > max(scores.max() - HOPELESS, np.finfo(np.float64).min)
    if np.count_nonzero(near) >= count:
        return np.flatnonzero(near)
    order = np.argsort(-scores, kind="stable")[:count]
    return order[scores[order] > -np.inf]
