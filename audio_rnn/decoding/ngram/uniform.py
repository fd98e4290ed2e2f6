"""A list of words as a language model: it tells known words from unknown ones, and no more."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from audio_rnn.decoding.ngram.arpa import END, START, UNKNOWN, Arpa
from audio_rnn.decoding.ngram.arpa_lines import NATURAL_ZERO, Ngrams
from audio_rnn.decoding.ngram.model import NgramModel


def uniform(words: Iterable[str]) -> NgramModel:
    """Of order 1; each of the words, an unknown one and the end are equally likely."""
    special = (UNKNOWN, START, END)
    names = (*special, *sorted(set(words).difference(special)))
    ids = np.arange(len(names), dtype=np.int32)[:, None]
    log_probs = np.full(len(names), -np.log(len(names) - 1), np.float32)
    log_probs[names.index(START)] = NATURAL_ZERO
    return NgramModel.from_ngrams(Arpa(names, (Ngrams(ids, log_probs, np.zeros_like(log_probs)),)))
