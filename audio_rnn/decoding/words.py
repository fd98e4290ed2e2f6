"""Symbols with their steps -> words with times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.vocabulary import SPACE, Vocabulary


class Emission(NamedTuple):
    """A symbol with the steps [start, end) it takes, and its log-probability."""

    symbol: int
    start: int
    end: int
    log_prob: float  # the highest of those steps


def words_of(path: Sequence[Emission], vocabulary: Vocabulary, step_seconds: float) -> list[Word]:
    """The words that a path writes; the confidence is the geometric mean over its symbols."""
    groups = _groups(path, vocabulary)
    texts = [vocabulary.decode([emission.symbol for emission in group]) for group in groups]
    return [_word(text, group, step_seconds) for text, group in zip(texts, groups) if text]


def _groups(path: Sequence[Emission], vocabulary: Vocabulary) -> list[list[Emission]]:
    """Emissions by word, bare spaces left out."""
    groups: list[list[Emission]] = [[]]
    for emission in path:
        if vocabulary.starts_word(emission.symbol):
            groups.append([])
        if vocabulary.symbols[emission.symbol] != SPACE:
            groups[-1].append(emission)
    return [group for group in groups if group]


def _word(text: str, group: list[Emission], step_seconds: float) -> Word:
    confidence = math.exp(sum(emission.log_prob for emission in group) / len(group))
    return Word(text, group[0].start * step_seconds, group[-1].end * step_seconds, confidence)
