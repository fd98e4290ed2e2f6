"""Find the weight of a language model and the bonus of a word on held-out utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.decoder import Decoder
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError
from audio_rnn.inference.decoders import Tuned, digest, make_decoder, save_tuned
from audio_rnn.models.speech import SpeechModel

LM_WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6)
WORD_BONUSES = (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
RIVALS = 8  # texts whose errors count


def tune(
    folder: Path,
    model: SpeechModel,
    config: DecodingConfig,
    log_probs: Sequence[np.ndarray],
    utterances: Sequence[Utterance],
    manifest: Path,
) -> Tuned:
    """Search weights, print the errors of all, save the best with the model.

    The best have the fewest expected word errors: those of the best few texts, by the share that
    each has. Errors of the best text alone jump by chance from weight to weight on a small set.
    Raises ConfigError without a language model, or when the utterances are a test set.
    """
    _check(config, utterances, manifest)
    assert config.lm is not None, "_check has seen one"
    references = [(u.text or "").split() for u in utterances]
    errors = np.zeros((len(LM_WEIGHTS), len(WORD_BONUSES)))
    for (i, weight), (j, bonus) in product(enumerate(LM_WEIGHTS), enumerate(WORD_BONUSES)):
        tried = replace(config, lm_weight=weight, word_bonus=bonus)
        errors[i, j] = expected_errors(make_decoder(model, None, tried), log_probs, references)
    i, j = (int(place) for place in np.unravel_index(np.argmin(errors), errors.shape))
    _show(errors, (i, j))
    tuned = Tuned(
        digest(config.lm), LM_WEIGHTS[i], WORD_BONUSES[j], manifest.name, float(errors[i, j])
    )
    save_tuned(folder, tuned)
    return tuned


def _check(config: DecodingConfig, utterances: Sequence[Utterance], manifest: Path) -> None:
    if config.lm is None:
        raise ConfigError("--tune: found no --lm, expected the language model whose weight to find")
    if config.lm_weight is not None or config.word_bonus is not None:
        raise ConfigError("--tune: found --lm-weight or --word-bonus as well; leave them out")
    if "test" in manifest.stem or any(utterance.split == "test" for utterance in utterances):
        raise ConfigError(
            f"--tune: found the test set {manifest}, expected held-out data that no result is "
            "reported on, such as valid.jsonl"
        )


def expected_errors(
    decoder: Decoder, log_probs: Sequence[np.ndarray], references: Sequence[list[str]]
) -> float:
    """Share of words that are wrong, in the mean over the best few texts by the share of each."""
    assert isinstance(decoder, BeamDecoder), "with a language model there is a search"
    expected = sum(
        rival.posterior * Levenshtein.distance(rival.hypothesis.text.split(), reference)
        for scores, reference in zip(log_probs, references)
        for rival in decoder.best(scores, RIVALS)
    )
    return expected / sum(map(len, references))


def _show(errors: np.ndarray, best: tuple[int, int]) -> None:
    table = Table(
        "lm weight", *(f"bonus {bonus:g}" for bonus in WORD_BONUSES), title="expected WER"
    )
    for i, weight in enumerate(LM_WEIGHTS):
        cells = [
            f"[bold]{rate:.2%} *[/bold]" if (i, j) == best else f"{rate:.2%}"
            for j, rate in enumerate(errors[i])
        ]
        table.add_row(f"{weight:g}", *cells)
    Console().print(table)
