"""How sure a word is: its posterior probability over what the beam held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz.distance import Levenshtein

from audio_rnn.decoding.hypothesis import Hypothesis

SHARPNESS = 0.5  # of scores as log-probabilities; at 1 they are too sure (benchmarks/confidence.py)
SMALLEST_SHARE = 1e-3  # rivals below change no confidence that anyone would notice


def posteriors(scores: Sequence[float]) -> list[float]:
    """Scores of rival texts -> their shares, which sum to 1."""
    weights = np.exp(SHARPNESS * (np.array(scores) - max(scores)))
    return (weights / weights.sum()).tolist()


def with_posteriors(best: Hypothesis, rivals: Sequence[tuple[Sequence[str], float]]) -> Hypothesis:
    """The hypothesis with the share of the rivals (words, share) that agree as confidences.

    Two texts agree on a word that their alignment of fewest edits matches.
    """
    words = [word.text for word in best.words]
    sure = np.zeros(len(words))
    for others, share in rivals:
        if share < SMALLEST_SHARE:
            continue
        for match in Levenshtein.opcodes(words, list(others)):
            if match.tag == "equal":
                sure[match.src_start : match.src_end] += share
    sure = sure.clip(0, 1)
    return Hypothesis.of([replace(w, confidence=float(c)) for w, c in zip(best.words, sure)])
