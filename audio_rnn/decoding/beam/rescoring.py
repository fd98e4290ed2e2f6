"""A second pass: language models of whole texts judge all texts that the beam holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.pronunciations import PronouncedVocabulary
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import LanguageModelError, VocabularyError
from audio_rnn.vocabulary import SPACE, Vocabulary

CONTEXT = 20  # words before a segment that judge it too


class TextModel(Protocol):
    """A language model of whole texts."""

    @property
    def words(self) -> Sequence[str]:
        """All that it knows; none of a model that spells."""

    def score_texts(self, texts: Sequence[str], ended: bool) -> NDArray[np.float64]:
        """Natural log-probability (texts,) of each text: with its end, or else with the end of its
        last word. Raises: VocabularyError for one that it cannot write."""


@dataclass(frozen=True)
class Ngrams:
    """An n-gram model of words, asked after the search."""

    lm: NgramModel

    @property
    def words(self) -> Sequence[str]:
        """All that it knows."""
        return self.lm.words

    def score_texts(self, texts: Sequence[str], ended: bool) -> NDArray[np.float64]:
        """Natural log-probability (texts,) of each."""
        return np.array([sum(self.lm.score(text.split(), end=ended)) for text in texts])


@dataclass(frozen=True)
class Together:
    """Models with their weights; a negative one takes out what the search has put in."""

    models: Sequence[tuple[TextModel, float]]

    @property
    def words(self) -> Sequence[str]:
        """All that they know."""
        return [word for model, _ in self.models for word in model.words]

    def score_texts(self, texts: Sequence[str], ended: bool) -> NDArray[np.float64]:
        """Weighted sum (texts,) of their log-probabilities."""
        scores = [weight * model.score_texts(texts, ended) for model, weight in self.models]
        return np.sum(scores, axis=0)


def judge(
    model: TextModel, said: Sequence[str], texts: Sequence[Sequence[str]], ended: bool
) -> NDArray[np.float64]:
    """Log-probability (texts,) of each text, given as words, after those `said` before, but for a
    constant."""
    return model.score_texts([SPACE.join([*said, *words]) for words in texts], ended)


def check_spells(model: TextModel, vocabulary: Vocabulary) -> None:
    """Raises LanguageModelError for a model that cannot judge what the vocabulary writes."""
    ways: Iterable[Sequence[int]] = ([symbol] for symbol in range(1, len(vocabulary)))
    if isinstance(vocabulary, PronouncedVocabulary):
        ways = vocabulary.words
    texts = [vocabulary.decode(way).strip() for way in ways]
    try:
        model.score_texts([text for text in texts if text], True)
    except VocabularyError as error:
        raise LanguageModelError(
            f"rescorer: {str(error).partition(';')[0]}, expected all that the model writes; "
            "prepare its text with the model's vocabulary"
        ) from None
