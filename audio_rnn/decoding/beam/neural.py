"""A neural language model of symbols in beam search: shallow fusion (Gulcehre et al. 2015).

The search asks for a prefix only when it is about to grow, and then for all such prefixes at once.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.pronunciations import PronouncedVocabulary
from audio_rnn.decoding.ngram.arpa import UNKNOWN
from audio_rnn.errors import LanguageModelError
from audio_rnn.vocabulary import BLANK, Vocabulary

ROOM = 256  # prefixes at first


class SymbolModel(Protocol):
    """A model of texts that is asked symbol by symbol."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Its symbols; the blank stands for the begin and the end of a text."""

    def step(
        self, symbols: NDArray[np.int64], states: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read one more symbol of each text.

        Args:
            symbols: (batch,), of a new text the blank.
            states: (batch, width) what reading the symbols before has returned; None for new texts.

        Returns:
            Natural log-probabilities (batch, symbols) of what comes next, and states (batch, width).
        """


class NeuralFusion:
    """A model whose symbols are those of a recogniser, and its weight."""

    def __init__(self, model: SymbolModel, vocabulary: Vocabulary, weight: float) -> None:
        """Raises LanguageModelError."""
        self.model, self.weight = model, weight
        self.ids = symbol_ids(model.vocabulary, vocabulary)
        self.start = self._step(np.array([BLANK]), None)

    def read(
        self, symbols: NDArray[np.int32], states: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weighted log-probabilities (batch, symbols) after symbols of the recogniser, and states."""
        return self._step(self.ids[symbols], states)

    def _step(
        self, ids: NDArray[np.int64], states: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        log_probs, states = self.model.step(ids, states)
        return self.weight * log_probs[:, self.ids], states


class Rows:
    """States and scores of the prefixes of one search, one row each; row 0 is that of the root."""

    def __init__(self, fusion: NeuralFusion) -> None:
        scores, states = fusion.start
        self.fusion, self.count = fusion, 1
        self.scores = np.repeat(scores.astype(np.float32), ROOM, axis=0)
        self.states = np.repeat(states, ROOM, axis=0)

    def add(self, rows: NDArray[np.int32], symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """The rows of what comes of `rows` by one more symbol each."""
        scores, states = self.fusion.read(symbols, self.states[rows])
        new = np.arange(self.count, self.count + len(rows), dtype=np.int32)
        while len(self.scores) < self.count + len(rows):
            self.scores = np.concatenate([self.scores, self.scores])
            self.states = np.concatenate([self.states, self.states])
        self.scores[new], self.states[new] = scores, states
        self.count += len(rows)
        return new

    def keep(self, row: int) -> None:
        """Forget all but one, which becomes row 0."""
        self.scores[0], self.states[0] = self.scores[row], self.states[row]
        self.count = 1


def symbol_ids(theirs: Vocabulary, ours: Vocabulary) -> NDArray[np.int64]:
    """Ids (symbols,) that a model has for the symbols of a recogniser; that of <unk> for one it
    lacks.

    Raises: LanguageModelError for a model of other symbols.
    """
    if isinstance(ours, PronouncedVocabulary):
        return symbol_ids(theirs, ours.model)[list(ours.sounds)]
    if theirs.unit != ours.unit:
        raise LanguageModelError(
            f"neural language model: found one of {theirs.unit}s, expected {ours.unit}s, which the model "
            "writes; train it on these, or rescore with it"
        )
    unknown = theirs.ids.get(UNKNOWN)
    found = [theirs.ids.get(symbol, unknown) for symbol in ours.symbols[1:]]
    missing = [symbol for symbol, id_ in zip(ours.symbols[1:], found) if id_ is None]
    if missing:
        raise LanguageModelError(
            f"neural language model: found no {missing[0]!r} among its {len(theirs) - 1} symbols, and "
            f"{len(missing) - 1} more are missing; expected all {len(ours) - 1} of the model: "
            "prepare its text with the model's vocabulary"
        )
    return np.array([BLANK, *found], np.int64)
