"""Scores of tags against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from audio_rnn.metrics.tags import (
    accuracy,
    areas,
    average_precisions,
    d_prime,
    lwlrap,
    mean_over_classes,
)

TRUTH = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0.0]])
SCORES = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2], [0.6, 0.65, 0.9], [0.1, 0.2, 0.3]])


def test_accuracy_counts_the_highest_score() -> None:
    assert accuracy(np.eye(3)[[0, 1, 2, 2]], np.eye(3)[[0, 1, 2, 0]]) == 0.75


def test_average_precision_by_hand() -> None:
    """Class 0: ranks true, false, true: (1 + 2/3) / 2. Class 1: true, true, false, ..."""
    found = average_precisions(TRUTH, SCORES)
    np.testing.assert_allclose(found[:2], [(1 + 2 / 3) / 2, 1.0])
    assert np.isnan(found[2])  # no clip has it
    assert mean_over_classes(found) == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)
    assert np.isnan(mean_over_classes(np.array([np.nan])))


def test_area_is_the_share_of_pairs_in_order() -> None:
    found = areas(TRUTH, SCORES)
    pairs = [a > b for a in (0.9, 0.6) for b in (0.8, 0.1)]
    np.testing.assert_allclose(found[0], np.mean(pairs))
    assert np.isnan(found[2])


def lwlrap_by_definition(truth: np.ndarray, scores: np.ndarray) -> float:
    """The mean over all labels of the precision at the rank of each."""
    precisions = []
    for true, score in zip(truth, scores):
        for label in np.flatnonzero(true):
            above = score >= score[label]
            precisions.append((true[above] > 0).mean())
    return float(np.mean(precisions))


def test_lwlrap_counts_labels() -> None:
    assert lwlrap(TRUTH, SCORES) == pytest.approx(lwlrap_by_definition(TRUTH, SCORES))
    random = np.random.default_rng(0)
    truth, scores = random.random((50, 7)) < 0.3, random.random((50, 7))
    assert lwlrap(truth, scores) == pytest.approx(lwlrap_by_definition(truth, scores))
    assert np.isnan(lwlrap(np.zeros((2, 3)), np.ones((2, 3))))


def test_d_prime_of_known_areas() -> None:
    assert d_prime(0.5) == pytest.approx(0.0)
    assert d_prime(0.9214) == pytest.approx(2.0, abs=0.01)  # the normal distribution at sqrt 2
    assert np.isfinite(d_prime(1.0))
