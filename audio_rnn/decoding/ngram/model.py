"""n-gram language models of words or letters.

`advance` asks from compiled code, `NgramModel.score` from Python. A model of letters is one whose
words are letters, with ▁ for the space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram.arpa import END, START, UNKNOWN, Arpa, write_arpa
from audio_rnn.decoding.ngram.arpa_reader import read_arpa
from audio_rnn.decoding.ngram.backoff import EMPTY, NgramTables, advance, no_tables
from audio_rnn.decoding.ngram.backoff_tables import BrokenNgramError, list_ngrams, make_tables
from audio_rnn.errors import LanguageModelError
from audio_rnn.vocabulary import SPACE, split

SPACE_MARK = "▁"  # what stands for the space in a model of letters

__all__ = ["NgramModel", "NgramTables", "advance", "no_tables"]


@dataclass(frozen=True, eq=False)
class NgramModel:
    """A model to ask; its states are those of `tables`."""

    words: tuple[str, ...]  # by id
    counts: tuple[int, ...]  # n-grams of each order
    tables: NgramTables = field(repr=False)
    ids: dict[str, int] = field(init=False, repr=False)  # of words

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", {word: i for i, word in enumerate(self.words)})

    @classmethod
    def load(cls, path: str | Path) -> NgramModel:
        """Read an ARPA file, plain or gzip. Raises LanguageModelError with the line."""
        arpa = read_arpa(Path(path))
        try:
            return cls.from_ngrams(arpa)
        except BrokenNgramError as error:
            line = arpa.first_lines[error.order - 1] + error.place
            row = arpa.orders[error.order - 1].words[error.place]
            ngram = " ".join(arpa.words[word] for word in row)
            raise LanguageModelError(f"{path}:{line}: {ngram!r} {error}") from None

    @classmethod
    def from_ngrams(cls, arpa: Arpa) -> NgramModel:
        """Make the tables. Raises BrokenNgramError."""
        counts = tuple(len(ngrams.words) for ngrams in arpa.orders)
        return cls(arpa.words, counts, make_tables(arpa.orders))

    def save(self, path: str | Path) -> None:
        """Replace an ARPA file at once, gzip if its name ends in .gz. Raises OSError."""
        write_arpa(Path(path), Arpa(self.words, tuple(list_ngrams(self.tables, self.counts))))

    @property
    def order(self) -> int:
        """Words in the longest n-grams."""
        return len(self.counts)

    @property
    def unknown(self) -> int:
        """Id of <unk>."""
        return self.ids[UNKNOWN]

    @property
    def end(self) -> int:
        """Id of </s>."""
        return self.ids[END]

    @property
    def start(self) -> int:
        """State at the start of a sentence."""
        return int(self.tables.after[self.ids[START]])

    @property
    def empty(self) -> int:
        """State without context."""
        return EMPTY

    @property
    def unigrams(self) -> NDArray[np.float32]:
        """(words,) natural-log p(word) without context."""
        return self.tables.unigrams

    def encode(self, words: Sequence[str]) -> NDArray[np.int32]:
        """Ids of words, `unknown` for those that are not in the model."""
        unknown = self.unknown
        return np.array([self.ids.get(word, unknown) for word in words], np.int32)

    def score(self, words: Sequence[str], start: bool = True, end: bool = True) -> list[float]:
        """Natural-log probabilities of the words, each after those before it.

        Args:
            start: whether a sentence starts with them.
            end: whether it ends with them; the last value is then that of </s>.
        """
        ids = self.encode(words)
        if end:
            ids = np.append(ids, np.int32(self.end))
        return _score(self.tables, self.start if start else EMPTY, ids).tolist()


@numba.njit(cache=True, nogil=True)
def _score(tables: NgramTables, state: int, ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """(words,) natural-log probabilities."""
    log_probs = np.empty(len(ids))
    for i in range(len(ids)):
        log_probs[i], state = advance(tables, state, ids[i])
    return log_probs


def spell(text: str) -> str:
    """Text with its letters as words, for a model of letters."""
    return SPACE.join(split(text, "character")).replace(SPACE * 3, f"{SPACE}{SPACE_MARK}{SPACE}")
