"""Choosing what decoders may choose, on a validation set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audio_rnn.metrics.text import character_errors, word_errors
from benchmarks._contenders import Contender, Settings
from benchmarks._corpus import Spoken

EQUAL = 0.001  # word error rates this close count as equal


def choose_weights(contender: Contender, name: str, sets: dict[str, list[Spoken]]) -> Settings:
    """The weights with the fewest wrong words on a set, then wrong letters."""
    references = [one.text for one in sets[name]]
    tried = []
    for weights in contender.weights or [{}]:
        texts = contender.run(name, {**contender.searches[0], **weights})[1]
        wrong = [count(references, texts).errors for count in (word_errors, character_errors)]
        tried.append((wrong, weights))
    return min(tried, key=lambda row: row[0])[1]


def choose_search(
    contender: Contender, name: str, sets: dict[str, list[Spoken]], weights: Settings
) -> Settings:
    """The settings that a decoder is fastest with, of those that lose no accuracy on a set."""
    tried = []
    for search in contender.searches:
        seconds, texts = contender.run(name, {**search, **weights})
        tried.append((rate(sets[name], texts), seconds, {**search, **weights}))
    lowest = min(row[0] for row in tried)
    return min((row for row in tried if row[0] <= lowest + EQUAL), key=lambda row: row[1])[2]


def rate(spoken: Sequence[Spoken], texts: Sequence[str]) -> float:
    """Word error rate."""
    return float(wrong_words(spoken, texts).sum() / words_in(spoken).sum())


def wrong_words(spoken: Sequence[Spoken], texts: Sequence[str]) -> NDArray[np.int64]:
    """(utterances,) word errors of each."""
    return np.array([word_errors([s.text], [t]).errors for s, t in zip(spoken, texts, strict=True)])


def words_in(spoken: Sequence[Spoken]) -> NDArray[np.int64]:
    """(utterances,) words of the true texts."""
    return np.array([len(one.text.split()) for one in spoken])
