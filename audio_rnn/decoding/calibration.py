"""Confidences that are as high as the share of words that are right (Platt 1999)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from scipy.special import expit, logit

from audio_rnn.decoding.decoder import Decoder, Decoding
from audio_rnn.decoding.hypothesis import Hypothesis

SUREST = 1e-4  # as near to 0 and 1 as a confidence counts
STEEPEST = 5.0  # a slope that a few utterances cannot tell from infinity
BINS = 10

Judged = NDArray[np.float64]  # (words, 2): confidence, and 1 for a right word


@dataclass(frozen=True)
class Calibration:
    """Log-odds of a word: `slope` times those of its confidence, plus `offset`."""

    slope: float = 1.0
    offset: float = 0.0

    def of(self, confidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """What confidences, of any shape, become."""
        clipped = np.clip(confidence, SUREST, 1 - SUREST)
        return np.asarray(expit(self.slope * logit(clipped) + self.offset))

    def apply(self, hypothesis: Hypothesis) -> Hypothesis:
        """The same words with confidences that are calibrated."""
        told = self.of(np.array([word.confidence for word in hypothesis.words])).tolist()
        words = [replace(word, confidence=c) for word, c in zip(hypothesis.words, told)]
        return Hypothesis.of(words)


def fit(judged: Judged) -> Calibration:
    """The calibration that makes what happened likeliest; the order of words stays as it is.

    Platt's targets, which are not quite 0 and 1, keep a set without errors from making all sure.
    """
    from scipy.optimize import minimize  # takes a while to load

    right = judged[:, 1]
    count = right.sum()
    high, low = (count + 1) / (count + 2), 1 / (len(right) - count + 2)
    target = np.where(right == 1, high, low)
    odds = logit(np.clip(judged[:, 0], SUREST, 1 - SUREST))

    def loss(values: NDArray[np.float64]) -> float:
        told = values[0] * odds + values[1]
        return float((np.logaddexp(0, told) - target * told).sum())

    found = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.0, STEEPEST), (None, None)])
    return Calibration(*found.x.tolist())


def judge(reference: str, hypothesis: Hypothesis) -> Judged:
    """Each recognised word's confidence, and whether the alignment of fewest edits matches it with
    one of the true text."""
    judged = np.array([(word.confidence, 0.0) for word in hypothesis.words]).reshape(-1, 2)
    written = [word.text for word in hypothesis.words]
    for edit in Levenshtein.opcodes(written, reference.split()):
        if edit.tag == "equal":
            judged[edit.src_start : edit.src_end, 1] = 1
    return judged


def calibration_error(judged: Judged) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017): mean distance of their
    confidence from their share of right words."""
    bins = np.minimum((judged[:, 0] * BINS).astype(int), BINS - 1)
    off = [judged[bins == b] for b in range(BINS)]
    return sum(abs(float((part[:, 0] - part[:, 1]).sum())) for part in off) / max(1, len(judged))


@dataclass(frozen=True)
class CalibratedDecoder:
    """A decoder whose confidences are calibrated."""

    decoder: Decoder
    calibration: Calibration

    def start(self) -> CalibratedDecoding:
        """Begin a recording."""
        return CalibratedDecoding(self.decoder.start(), self.calibration)


@dataclass(frozen=True)
class CalibratedDecoding:
    """One recording being decoded."""

    decoding: Decoding
    calibration: Calibration

    def feed(self, log_probs: NDArray[np.float32]) -> list[Hypothesis]:
        """The next steps (steps, symbols), blank first -> segments that are final now."""
        return self._all(self.decoding.feed(log_probs))

    def partial(self) -> Hypothesis:
        """The open segment as it stands."""
        return self.calibration.apply(self.decoding.partial())

    def finish(self) -> list[Hypothesis]:
        """The segments left when the recording is over."""
        return self._all(self.decoding.finish())

    def _all(self, segments: Iterable[Hypothesis]) -> list[Hypothesis]:
        return [self.calibration.apply(segment) for segment in segments]
