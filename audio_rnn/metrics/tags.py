"""How well scores of clips tell which classes are heard in them."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)

Table = NDArray[np.floating]  # (clips, classes)


def accuracy(truth: Table, scores: Table) -> float:
    """Share of clips whose highest score is that of a class that is heard."""
    return float(truth[np.arange(len(truth)), scores.argmax(1)].mean())


def average_precisions(truth: Table, scores: Table) -> NDArray[np.float64]:
    """Average precision of each class: (classes,), NaN where no clip has it."""
    return np.array(
        [
            average_precision_score(t, s) if t.any() else np.nan
            for t, s in zip(truth.T > 0, scores.T)
        ]
    )


def areas(truth: Table, scores: Table) -> NDArray[np.float64]:
    """Area under the ROC curve of each class: (classes,), NaN where all or no clips have it."""
    return np.array(
        [
            roc_auc_score(t, s) if t.any() and not t.all() else np.nan
            for t, s in zip(truth.T > 0, scores.T)
        ]
    )


def mean_over_classes(values: NDArray[np.float64]) -> float:
    """The mean of what is known; NaN when nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def lwlrap(truth: Table, scores: Table) -> float:
    """Label-weighted label-ranking average precision (Fonseca et al. 2019, DCASE task 2).

    Clips with nothing in them do not count; NaN when there are no others.
    """
    heard = (truth > 0).sum(1)
    if not heard.any():
        return float("nan")
    kept = heard > 0
    return float(
        label_ranking_average_precision_score(
            truth[kept] > 0, scores[kept], sample_weight=heard[kept]
        )
    )


def d_prime(area: float) -> float:
    """The distance of two Gaussians of deviation 1 that have this area under the ROC curve."""
    return float(np.sqrt(2) * NormalDist().inv_cdf(min(max(area, 1e-9), 1 - 1e-9)))
