"""Texts to counts of their n-grams."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram.arpa import END, START, UNKNOWN
from audio_rnn.errors import LanguageModelError

START_ID, END_ID, UNKNOWN_ID = 0, 1, 2


@dataclass(frozen=True)
class Counts:
    """All n-grams of one order that occur, sorted by context and last word; unigrams by word."""

    words: NDArray[np.int32]  # (n-grams, order)
    contexts: NDArray[np.int64]  # (n-grams,) all words but the last: places in the order below
    suffixes: NDArray[np.int64]  # (n-grams,) all words but the first: places in the order below
    occurrences: NDArray[np.int64]  # (n-grams,)


def encode_texts(
    texts: Iterable[str], vocabulary: Sequence[str] | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Words by id, and the ids of all sentences in a row, each from <s> to </s>.

    Args:
        texts: sentences, words between white space; blank ones are passed over.
        vocabulary: the words to know, any other is <unk>; None for all that occur.

    Raises: LanguageModelError when there is no text, or <s> or </s> within it.
    """
    ids = {START: START_ID, END: END_ID, UNKNOWN: UNKNOWN_ID}
    for word in vocabulary or ():
        ids.setdefault(word, len(ids))
    tokens = array("i")
    for number, text in enumerate(texts, 1):
        words = text.split()
        if START in words or END in words:
            raise LanguageModelError(
                f"line {number}: found {START if START in words else END}, expected words "
                "only, because a sentence begins and ends with its line"
            )
        if words:
            tokens.append(START_ID)
            if vocabulary is None:
                tokens.extend([ids.setdefault(word, len(ids)) for word in words])
            else:
                tokens.extend([ids.get(word, UNKNOWN_ID) for word in words])
            tokens.append(END_ID)
    if not tokens:
        raise LanguageModelError("found no text, expected a sentence a line")
    return tuple(ids), np.array(tokens, np.int32)


def count_ngrams(tokens: NDArray[np.int32], words: int, order: int) -> list[Counts]:
    """Counts of orders 1 to `order`; n-grams do not reach over the end of a sentence.

    Args:
        tokens: ids of sentences in a row, each from <s> to </s>.
        words: number of words, also of those that do not occur.
    """
    nothing = np.zeros(words, np.int64)
    rows = np.arange(words, dtype=np.int32)[:, None]
    counts = [Counts(rows, nothing, nothing, np.bincount(tokens, minlength=words))]
    places = np.arange(len(tokens))  # where an n-gram of the order at hand begins
    grams = tokens.astype(np.int64)  # which one
    for length in range(2, order + 1):
        kept = tokens[places + length - 2] != END_ID
        places, contexts = places[kept], grams[kept]
        longer, grams = _count(
            tokens, places, contexts, grams[np.flatnonzero(kept) + 1], counts[-1]
        )
        counts.append(longer)
    return counts


def _count(
    tokens: NDArray[np.int32],
    places: NDArray[np.int64],
    contexts: NDArray[np.int64],
    suffixes: NDArray[np.int64],
    shorter: Counts,
) -> tuple[Counts, NDArray[np.int64]]:
    """Counts of the n-grams that begin at `places`, and which of them stands at each."""
    last = tokens[places + shorter.words.shape[1]]
    _, first, grams, occurrences = np.unique(
        contexts << 32 | last, return_index=True, return_inverse=True, return_counts=True
    )
    rows = np.column_stack([shorter.words[contexts[first]], last[first]])
    return Counts(rows, contexts[first], suffixes[first], occurrences), grams
