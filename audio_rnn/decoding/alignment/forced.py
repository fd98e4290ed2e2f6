"""Times of every symbol of an utterance, by torchaudio's forced alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import forced_align

from audio_rnn.vocabulary import BLANK


@dataclass(frozen=True)
class SymbolSpan:
    """Steps [start, end) that a symbol takes, and its mean posterior in them."""

    start: int
    end: int
    posterior: float


def steps_needed(ids: Sequence[int]) -> int:
    """The fewest steps that CTC spells these in: a blank stands between two that are equal."""
    return len(ids) + sum(a == b for a, b in pairwise(ids))


def align_symbols(
    log_probs: NDArray[np.float32], ids: Sequence[int]
) -> tuple[list[SymbolSpan], NDArray[np.float32]]:
    """The likeliest path of log_probs (steps, symbols) that spells `ids`, blank 0.

    At least `steps_needed` steps must be there.

    Returns:
        a span for each symbol, and the log-probability of the path in each step, (steps,).
    """
    found, scores = forced_align(
        torch.from_numpy(np.ascontiguousarray(log_probs))[None],
        torch.tensor([list(ids)], dtype=torch.int32),
    )
    labels, path = found[0].numpy(), scores[0].numpy()
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    ends = np.append(starts[1:], len(labels))
    posteriors = np.add.reduceat(np.exp(path), starts) / (ends - starts)
    runs = zip(starts.tolist(), ends.tolist(), posteriors.tolist())
    spans = [SymbolSpan(*run) for run, label in zip(runs, labels[starts]) if label != BLANK]
    return spans, path
