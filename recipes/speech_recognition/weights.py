"""The weights of language models and the bonus of a word that make the fewest errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Weights

BONUS = "word_bonus"
GRIDS: dict[str, Sequence[float]] = {
    "lm_weight": (0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6),
    "neural_weight": (0.05, 0.1, 0.2, 0.35, 0.5, 0.75),
    "rescorer_weight": (0.05, 0.1, 0.2, 0.35, 0.5, 0.75),
    BONUS: (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
}
PASSES = 3  # over the weights of all models, at most
RIVALS = 8  # texts whose errors count

Errors = Callable[[Weights], float]


def search(names: Sequence[str], errors: Errors) -> Weights:
    """The weights of fewest errors, as far as changing one of `names` at a time, and the word bonus
    with it, leads."""
    best = Weights()
    for _ in range(PASSES):
        before = best
        for name in names:
            best = min(_around(best, name), key=errors)
        if best == before or len(names) == 1:
            break
    return best


def _around(weights: Weights, name: str) -> list[Weights]:
    """With all values of one weight and of the word bonus."""
    pairs = product(GRIDS[name], GRIDS[BONUS])
    return [replace(weights, **{name: weight, BONUS: bonus}) for weight, bonus in pairs]


def expected_errors(
    decoder: BeamDecoder, log_probs: Sequence[np.ndarray], references: Sequence[list[str]]
) -> float:
    """Share of words that are wrong, in the mean over the best few texts by the share of each."""
    expected = sum(
        share * Levenshtein.distance(words, reference)
        for scores, reference in zip(log_probs, references)
        for words, share in decoder.rivals(scores, RIVALS)
    )
    return expected / sum(map(len, references))


def show(name: str, best: Weights, errors: Errors) -> None:
    """Errors by one weight and the word bonus, the others as they are in the best."""
    columns = [f"bonus {bonus:g}" for bonus in GRIDS[BONUS]]
    table = Table(name.replace("_", " "), *columns, title="expected WER")
    for weight in GRIDS[name]:
        tried = [replace(best, **{name: weight, BONUS: bonus}) for bonus in GRIDS[BONUS]]
        cells = [
            f"[bold]{errors(w):.2%} *[/bold]" if w == best else f"{errors(w):.2%}" for w in tried
        ]
        table.add_row(f"{weight:g}", *cells)
    Console().print(table)
