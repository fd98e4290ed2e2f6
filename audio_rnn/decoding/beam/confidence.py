"""How sure a word is: its posterior probability over what the beam held."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from audio_rnn.decoding.hypothesis import Hypothesis, Word

SMALLEST_SHARE = 1e-3  # rivals below change no confidence that anyone would notice
HOPELESS = -math.log(SMALLEST_SHARE)  # as far below the best, a score is such a rival


def posteriors(scores: Sequence[float]) -> list[float]:
    """Scores of rival texts -> their shares, which sum to 1."""
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]


def with_posteriors(best: Hypothesis, rivals: Sequence[tuple[Sequence[str], float]]) -> Hypothesis:
    """The hypothesis with the share of the rivals (words, share) that agree as confidences.

    Two texts agree on a word that their alignment of fewest edits matches.
    """
    words = [word.text for word in best.words]
    sure = [0.0] * len(words)
    for others, share in rivals:
        if share < SMALLEST_SHARE:
            continue
        for match in Levenshtein.opcodes(words, others):
            if match.tag == "equal":
                for i in range(match.src_start, match.src_end):
                    sure[i] += share
    return Hypothesis.of(
        [Word(w.text, w.start, w.end, min(1.0, c)) for w, c in zip(best.words, sure)]
    )
