"""How well a language model foretells texts: counts first, ratios last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from audio_rnn.decoding.ngram.model import NgramModel


@dataclass(frozen=True)
class Scores:
    """Sums over sentences; </s> counts as a token, not as a word."""

    sentences: int = 0
    words: int = 0
    unknown: int = 0  # words that the model does not have
    log_prob: float = 0.0  # natural logarithm of the probability of all tokens
    log_prob_unknown: float = 0.0  # the part of it that unknown words make

    def __add__(self, other: Scores) -> Scores:
        return Scores(*(a + b for a, b in zip(astuple(self), astuple(other))))

    @property
    def log10(self) -> float:
        """log10-probability of all tokens."""
        return self.log_prob / np.log(10)

    @property
    def perplexity(self) -> float:
        """Of all tokens."""
        return float(np.exp(-self.log_prob / (self.words + self.sentences)))

    @property
    def perplexity_known(self) -> float:
        """Of all tokens but unknown words, which still are context."""
        known = self.words - self.unknown + self.sentences
        return float(np.exp((self.log_prob_unknown - self.log_prob) / known))

    def report(self) -> str:
        """A table for people."""
        share = 100 * self.unknown / max(self.words, 1)
        rows = {
            "sentences": f"{self.sentences}",
            "words": f"{self.words}",
            "unknown words": f"{self.unknown} ({share:.2f} %)",
            "log10-probability": f"{self.log10:.3f}",
            "perplexity": f"{self.perplexity:.3f}",
            "perplexity without unknown words": f"{self.perplexity_known:.3f}",
        }
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def score_text(model: NgramModel, words: Sequence[str]) -> Scores:
    """Scores of one sentence."""
    log_probs = np.array(model.score(words))
    unknown = model.encode(words) == model.unknown
    return Scores(
        1, len(words), int(unknown.sum()), float(log_probs.sum()),
        float(log_probs[:-1][unknown].sum()),
    )  # fmt: skip
