"""Every text of a short recording with its exact score, by trying all paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import groupby, pairwise, product

import numpy as np

from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary


def all_texts(
    log_probs: np.ndarray,
    vocabulary: Vocabulary,
    score: Callable[[tuple[str, ...]], float],
    score_symbols: Callable[[tuple[int, ...]], float] = lambda symbols: 0.0,
) -> dict[tuple[str, ...], float]:
    """Words of a text -> log-probability of all its paths, each with `score_symbols` of what it
    writes, plus `score` of its words.

    Two spaces in a row are no text, as the search has it.
    """
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        symbols = tuple(symbol for symbol, _ in groupby(path) if symbol != BLANK)
        if vocabulary.ids.get(SPACE) is None or not _parts_twice(symbols, vocabulary.ids[SPACE]):
            words = tuple(vocabulary.decode(symbols).split())
            sound = float(log_probs[np.arange(len(path)), path].sum())
            found[words].append(sound + score_symbols(symbols))
    return {words: float(np.logaddexp.reduce(p)) + score(words) for words, p in found.items()}


def _parts_twice(symbols: tuple[int, ...], space: int) -> bool:
    return (space, space) in pairwise(symbols)
