"""Training of n-gram models: interpolated modified Kneser-Ney smoothing.

Chen and Goodman (1998), An Empirical Study of Smoothing Techniques for Language Modeling, with
what Heafield et al. (2013), Scalable Modified Kneser-Ney Language Model Estimation, leave as the
field's practice: n-grams that begin with <s> keep their own counts in every order, because nothing
can stand before them, and unigrams are interpolated with the uniform distribution over all words,
</s> and <unk>.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram.arpa import Arpa
from audio_rnn.decoding.ngram.arpa_lines import NATURAL_ZERO, Ngrams
from audio_rnn.decoding.ngram.counts import START_ID, Counts, count_ngrams, encode_texts
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import LanguageModelError

FALLBACK = (0.5, 1.0, 1.5)  # discounts where the counts do not give any; lmplz's values

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Smoothed:
    """Probabilities of all n-grams of one order that occur."""

    probs: NDArray[np.float64]  # (n-grams,) interpolated
    gammas: NDArray[np.float64]  # (contexts,) mass that each leaves to shorter contexts


def train(
    texts: Iterable[str],
    order: int = 3,
    vocabulary: Sequence[str] | None = None,
    prune: Sequence[int] = (),
) -> NgramModel:
    """Train a model; logs a warning for an order that must take the FALLBACK discounts.

    Args:
        texts: sentences, words between white space.
        order: words in the longest n-grams.
        vocabulary: the words to know, any other counts as <unk>; None for all that occur.
        prune: of each order, n-grams that occur this often or less are left out; the last
            value counts for all orders above.

    Raises: LanguageModelError.
    """
    thresholds = _thresholds(order, prune)
    words, tokens = encode_texts(texts, vocabulary)
    counts = count_ngrams(tokens, len(words), order)
    kept = [count.occurrences > limit for count, limit in zip(counts, thresholds)]
    kept[0][:] = True
    smoothed = _smooth(counts, kept)
    gammas = [*(above.gammas for above in smoothed[1:]), np.ones(len(counts[-1].words))]
    orders = [
        Ngrams(c.words[k], _log(s.probs[k]), _log(gamma[k]))
        for c, k, s, gamma in zip(counts, kept, smoothed, gammas)
    ]
    orders[0].log_probs[START_ID] = NATURAL_ZERO
    return NgramModel.from_ngrams(Arpa(words, tuple(orders)))


def adjusted_counts(counts: Sequence[Counts]) -> list[NDArray[np.int64]]:
    """What stands for the occurrences of each n-gram: the number of words seen before it.

    The highest order and n-grams that begin with <s> keep their occurrences; <s> alone, which
    nothing predicts, has none.
    """
    adjusted = [
        np.bincount(longer.suffixes, minlength=len(count.words))
        for count, longer in pairwise(counts)
    ]
    adjusted.append(counts[-1].occurrences.copy())
    for count, numbers in zip(counts, adjusted):
        first = count.words[:, 0] == START_ID
        numbers[first] = count.occurrences[first]
    adjusted[0][START_ID] = 0
    return adjusted


def discounts(adjusted: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """(4,) what to take off counts of 0, 1, 2, and 3 and more: Chen and Goodman's equation 26.

    None where too few different counts occur.
    """
    ones, twos, threes, fours = np.bincount(np.clip(adjusted, 0, 5), minlength=6)[1:5]
    if not (ones and twos and threes):
        return None
    y = ones / (ones + 2 * twos)
    found = np.array(
        [0, 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes]
    )
    return found if (found[1:] > 0).all() else None


def _smooth(counts: Sequence[Counts], kept: Sequence[NDArray[np.bool_]]) -> list[Smoothed]:
    """Probabilities of each order, from those of the order below."""
    words = len(counts[0].words)
    smoothed: list[Smoothed] = []
    lower = np.full(1, 1 / (words - 1))  # uniform, without <s>
    for order, (count, numbers, keep) in enumerate(zip(counts, adjusted_counts(counts), kept), 1):
        smoothed.append(_interpolate(count, numbers, _known_discounts(numbers, order), keep, lower))
        lower = smoothed[-1].probs
    return smoothed


def _interpolate(
    count: Counts,
    adjusted: NDArray[np.int64],
    discount: NDArray[np.float64],
    keep: NDArray[np.bool_],
    lower: NDArray[np.float64],
) -> Smoothed:
    """p(word | context) = what is left of its count / all counts + gamma * lower p(word)."""
    left = np.where(keep, adjusted - discount[np.minimum(adjusted, 3)], 0)
    totals = np.bincount(count.contexts, weights=adjusted, minlength=len(lower))
    free = np.bincount(count.contexts, weights=adjusted - left, minlength=len(lower))
    # A context that nothing goes on from leaves all.
    gammas = np.divide(free, totals, out=np.ones(len(lower)), where=totals > 0)
    probs = left / totals[count.contexts] + gammas[count.contexts] * lower[count.suffixes]
    return Smoothed(probs, gammas)


def _known_discounts(adjusted: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    found = discounts(adjusted)
    if found is not None:
        return found
    log.warning(
        "%d-grams: found %d, %d, %d and %d that count 1, 2, 3 and 4, from which no discounts can be "
        "computed; takes %g, %g and %g",
        order, *((adjusted == n).sum() for n in (1, 2, 3, 4)), *FALLBACK,
    )  # fmt: skip
    return np.array([0, *FALLBACK])


def _thresholds(order: int, prune: Sequence[int]) -> list[int]:
    """What to prune of each order. Raises LanguageModelError."""
    if order < 1:
        raise LanguageModelError(f"order: found {order}, expected 1 or more")
    limits = list(prune) or [0]
    if len(limits) > order or limits[0] != 0 or sorted(limits) != limits:
        raise LanguageModelError(
            f"prune: found {' '.join(map(str, limits))}, expected 0 for words and then numbers "
            f"that do not fall, at most {order}, as 0 0 1"
        )
    return limits + limits[-1:] * (order - len(limits))


def _log(probs: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.log(probs).astype(np.float32)
