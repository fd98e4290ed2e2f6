"""Choosing what decoders may choose, on a validation set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.metrics.text import character_errors, word_errors
from benchmarks._contenders import Contender, Settings
from benchmarks._corpus import Spoken

EQUAL = 0.001  # word error rates this close count as equal
TRIES = 2  # runs of a search, of which the fastest counts


class Tried(NamedTuple):
    """What a search did with a set."""

    errors: float  # word error rate
    seconds: float
    settings: Settings


def choose_weights(contender: Contender, name: str, sets: dict[str, list[Spoken]]) -> Settings:
    """The weights with the fewest wrong words on a set, then wrong letters."""
    references = [one.text for one in sets[name]]
    tried = []
    for weights in contender.weights or [{}]:
        texts = contender.run(name, {**contender.searches[0], **weights})[1]
        wrong = [count(references, texts).errors for count in (word_errors, character_errors)]
        tried.append((wrong, weights))
    return min(tried, key=lambda row: row[0])[1]


def try_searches(
    contender: Contender, name: str, sets: dict[str, list[Spoken]], weights: Settings
) -> list[Tried]:
    """All searches of a decoder on a set."""
    tried = []
    for search in contender.searches:
        settings = {**search, **weights}
        runs = [contender.run(name, settings) for _ in range(TRIES)]
        tried.append(
            Tried(rate(sets[name], runs[0][1]), min(seconds for seconds, _ in runs), settings)
        )
    return tried


def fastest(tried: Sequence[Tried]) -> Tried:
    """The fastest search of those whose word error rate equals the lowest."""
    errors = min(one.errors for one in tried) + EQUAL
    return min((one for one in tried if one.errors <= errors), key=lambda one: one.seconds)


def widest(tried: Sequence[Tried], seconds: float) -> Tried:
    """The slowest search that takes at most so long; else the fastest."""
    quick = [one for one in tried if one.seconds <= seconds]
    return max(quick, key=lambda one: one.seconds) if quick else fastest(tried)


def rate(spoken: Sequence[Spoken], texts: Sequence[str]) -> float:
    """Word error rate."""
    return float(wrong_words(spoken, texts).sum() / words_in(spoken).sum())


def wrong_words(spoken: Sequence[Spoken], texts: Sequence[str]) -> NDArray[np.int64]:
    """(utterances,) word errors of each."""
    return np.array([word_errors([s.text], [t]).errors for s, t in zip(spoken, texts, strict=True)])


def words_in(spoken: Sequence[Spoken]) -> NDArray[np.int64]:
    """(utterances,) words of the true texts."""
    return np.array([len(one.text.split()) for one in spoken])
