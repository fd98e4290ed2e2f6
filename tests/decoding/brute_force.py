"""Every text of a short recording with its exact score, by trying all paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import groupby, pairwise, product

import numpy as np

from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary


def all_texts(
    log_probs: np.ndarray, vocabulary: Vocabulary, score: Callable[[tuple[str, ...]], float]
) -> dict[tuple[str, ...], float]:
    """Words of a text -> log-probability of all its paths plus `score` of its words.

    Two spaces in a row are no text, as the search has it.
    """
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        symbols = [symbol for symbol, _ in groupby(path) if symbol != BLANK]
        if vocabulary.ids.get(SPACE) is None or not _parts_twice(symbols, vocabulary.ids[SPACE]):
            words = tuple(vocabulary.decode(symbols).split())
            found[words].append(float(log_probs[np.arange(len(path)), path].sum()))
    return {words: float(np.logaddexp.reduce(p)) + score(words) for words, p in found.items()}


def _parts_twice(symbols: list[int], space: int) -> bool:
    return (space, space) in pairwise(symbols)
