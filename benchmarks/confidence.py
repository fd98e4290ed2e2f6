"""Confidences of words: whether a word of confidence 0.8 is right four times in five.

    python -m benchmarks.confidence
    python -m benchmarks.confidence --models runs/an4 --data data/an4

A word is right if the alignment of fewest edits matches it with one of the true text. ECE is the
expected calibration error over ten bins of equal width (Guo et al. 2017): 0 is calibrated. NCE is the
normalised cross entropy (Siu and Gish 1999): 1 is an oracle, 0 is always saying the share of right
words, below is worse than that. AUC is the probability that a right word has a higher confidence than a
wrong one. Brackets are 95 % of a bootstrap over utterances. Weights of the language model are chosen on
the validation set, and there the calibration is fitted, as `evaluate --tune` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from audio_rnn.config import from_command_line
from audio_rnn.decoding.beam.knowledge import Knowledge
from audio_rnn.decoding.calibration import (
    CalibratedDecoder,
    Judged,
    calibration_error,
    fit,
    judge,
)
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.greedy import GreedyDecoder
from benchmarks._choice import choose_weights
from benchmarks._contenders import make_decoder, ours
from benchmarks._corpus import Corpus, Spoken, load

SUREST = 1e-3  # nearer to 0 and 1 no confidence counts in the cross entropy
RESAMPLES = 1000


@dataclass(frozen=True)
class Arguments:
    """What to decode."""

    models: tuple[Path, ...] = (Path("runs/an4"), Path("runs/kathleen"))  # run folders
    data: tuple[Path, ...] = (Path("data/an4"), Path("data/kathleen"))  # manifests of each


def main() -> int:
    """One table for all corpora."""
    arguments = from_command_line(Arguments, "Calibration of the confidences of words.")
    table = Table("model", "decoder", "calibrated", "right", "mean", *MEASURES)
    for model, data in zip(arguments.models, arguments.data, strict=True):
        corpus = load(model, data)
        for name, decoder in decoders(corpus).items() if corpus else ():
            assert corpus
            table.add_row(str(model), name, "no", *row(decoder, corpus.sets["test"]))
            fitted = fit(np.concatenate(judge_all(decoder, corpus.sets["valid"])))
            decoder = CalibratedDecoder(decoder, fitted)
            table.add_row(str(model), name, "yes", *row(decoder, corpus.sets["test"]))
    if table.rows:
        Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0


def decoders(corpus: Corpus) -> dict[str, Decoder]:
    """Greedy and beam, the latter also with the language model."""
    knowledge = Knowledge(corpus.lm)
    weights = choose_weights(ours("ours", corpus, corpus.sets, knowledge), "tuning", corpus.sets)
    return {
        "greedy": GreedyDecoder(corpus.vocabulary, corpus.step_seconds),
        "beam": make_decoder(corpus, Knowledge(), {}),
        "beam, language model": make_decoder(corpus, knowledge, weights),
    }


def row(decoder: Decoder, spoken: Sequence[Spoken]) -> list[str]:
    """Share of right words, mean confidence, and all measures with their intervals."""
    judged = judge_all(decoder, spoken)
    numbers = np.random.default_rng(0)
    drawn = [numbers.integers(0, len(judged), len(judged)) for _ in range(RESAMPLES)]
    samples = [np.concatenate([judged[i] for i in indices]) for indices in drawn]
    whole = np.concatenate(judged)
    mean, right = whole.mean(axis=0)
    cells = [f"{right:.3f}", f"{mean:.3f}"]
    for measure in MEASURES.values():
        low, high = np.percentile([measure(sample) for sample in samples], [2.5, 97.5])
        cells.append(f"{measure(whole):.3f} ({low:.3f} to {high:.3f})")
    return cells


def judge_all(decoder: Decoder, spoken: Sequence[Spoken]) -> list[Judged]:
    """The recognised words of each recording."""
    return [judge(one.text, decode(decoder, one.log_probs)) for one in spoken]


def cross_entropy(judged: Judged) -> float:
    """What the confidences tell of the entropy that the share of right words leaves."""
    right = judged[:, 1]
    left = _entropy(np.full(len(right), right.mean()), right)
    return 1 - _entropy(judged[:, 0], right) / left


def _entropy(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    sure = confidence.clip(SUREST, 1 - SUREST)
    return float(-(right * np.log(sure) + (1 - right) * np.log(1 - sure)).mean())


def ranking(judged: Judged) -> float:
    """Area under the receiver operating characteristic."""
    return float(roc_auc_score(judged[:, 1], judged[:, 0]))


MEASURES: dict[str, Callable[[Judged], float]] = {
    "ECE": calibration_error,
    "NCE": cross_entropy,
    "AUC": ranking,
}


if __name__ == "__main__":
    sys.exit(main())
