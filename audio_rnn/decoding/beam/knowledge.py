"""What beam search may know beside the sound, and how much that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from audio_rnn.decoding.beam.neural import SymbolModel
from audio_rnn.decoding.beam.pronunciations import Pronunciations
from audio_rnn.decoding.beam.rescoring import TextModel
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError


@dataclass(frozen=True)
class Knowledge:
    """What decoding may know beside the sound."""

    lm: NgramModel | None = None  # of words, or of the model's symbols with ▁ for the space
    lexicon: Sequence[str] | Pronunciations | None = None  # the only words that may be written
    hotwords: Mapping[str, float] = field(default_factory=dict)  # phrase -> boost, nats a letter
    neural: SymbolModel | None = None  # a language model of the symbols, beside `lm` or without
    rescorer: TextModel | None = None  # a language model that judges whole texts after the search

    @property
    def has_model(self) -> bool:
        """Whether there is a language model of any kind."""
        return any(model is not None for model in (self.lm, self.neural, self.rescorer))


@dataclass(frozen=True)
class Weights:
    """How much knowledge counts against the sound; `evaluate --tune` finds them."""

    lm_weight: float = 0.5  # of the n-gram model's log-probabilities
    word_bonus: float = 1.0  # nats a word, against the liking of language models for few
    unknown_cost: float = 8.0  # nats, for a word the n-gram model does not know
    letter_cost: float = 1.5  # nats, for each of its letters beyond the begin of a known word
    neural_weight: float = 0.5  # of the neural language model's
    rescorer_weight: float = 0.5  # of the rescorer's

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not np.isfinite(value):
                raise DecodingError(f"{name}: found {value}, expected a finite number")
        for name in ("lm_weight", "unknown_cost", "letter_cost", "neural_weight"):
            if getattr(self, name) < 0:
                raise DecodingError(f"{name}: found {getattr(self, name)}, expected 0 or more")
