"""Speech that no utterance of a text covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audio_rnn.decoding.decoder import PAUSE
from audio_rnn.decoding.words import Emission
from audio_rnn.vocabulary import Vocabulary

SHORTEST = 0.5  # seconds of speech that are worth a word


@dataclass(frozen=True)
class Gap:
    """A stretch in seconds, and what the model hears there."""

    start: float
    end: float
    heard: str


def find_gaps(
    covered: Sequence[tuple[float, float]],
    path: Sequence[Emission],
    vocabulary: Vocabulary,
    step_seconds: float,
) -> list[Gap]:
    """Speech on the best path before, between and after the `covered` stretches, in seconds."""
    middles = np.array([(e.start + e.end) / 2 * step_seconds for e in path])
    gaps = []
    for first, last in _stretches(covered, middles):
        between = np.diff(middles[first:last])
        if between[between < PAUSE].sum() >= SHORTEST:
            ids = [emission.symbol for emission in path[first:last]]
            start, end = path[first].start * step_seconds, path[last - 1].end * step_seconds
            gaps.append(Gap(start, end, vocabulary.decode(ids).strip()))
    return gaps


def _stretches(
    covered: Sequence[tuple[float, float]], middles: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Slices of `middles` that lie outside."""
    done = 0.0
    for start, end in [*sorted(covered), (np.inf, np.inf)]:
        first, last = np.searchsorted(middles, [done, start])
        if first < last:
            yield int(first), int(last)
        done = max(done, end)
