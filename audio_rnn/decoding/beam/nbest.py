"""The texts that a beam holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.confidence import HOPELESS
from audio_rnn.decoding.beam.state import SearchState
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
    vocabulary: Vocabulary,
    count: int,
) -> list[Text]:
    """The best `count` texts and all rivals that make a difference to them, best first.

    Args:
        scores: of each prefix, -inf for one that writes no text.
        carried: symbols before the beam's.
        count: of prefixes; those that write the same are one text.
    """
    found: dict[tuple[str, ...], Text] = {}
    for text in _ranked(state, scores, carried, vocabulary, count):
        best = found.get(text.words, text)
        score = text.score if best is text else float(np.logaddexp(best.score, text.score))
        found[text.words] = best._replace(score=score)
    return by_score(found.values())


def rescored(texts: list[Text], gains: Sequence[float]) -> list[Text]:
    """The same with what each gains, best first."""
    return by_score(text._replace(score=text.score + gain) for text, gain in zip(texts, gains))


def by_score(texts: Iterable[Text]) -> list[Text]:
    """Best first."""
    return sorted(texts, key=lambda text: -text.score)


def _ranked(
    state: SearchState,
    scores: NDArray[np.float64],
    carried: list[int],
    vocabulary: Vocabulary,
    count: int,
) -> Iterator[Text]:
    """What each prefix writes, best first."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    worth = max(count, int((ranked > ranked[0] - HOPELESS).sum()))
    order = order[:worth][ranked[:worth] > -np.inf]
    for symbols, place in zip(state.symbols(order), order.tolist()):
        yield Text.of(carried + symbols, float(scores[place]), place, vocabulary)
