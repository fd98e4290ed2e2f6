"""Find the weights of language models and the bonus of a word on held-out utterances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.fusion import Weights
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError
from audio_rnn.inference.decoders import make_beam_decoder, read_knowledge
from audio_rnn.inference.tuned import WEIGHTS, Tuned, digests, save_tuned
from audio_rnn.models.speech import SpeechModel

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


def tune(
    folder: Path,
    model: SpeechModel,
    config: DecodingConfig,
    log_probs: Sequence[np.ndarray],
    utterances: Sequence[Utterance],
    manifest: Path,
) -> Tuned:
    """Search weights, print the errors around the best, save these with the model.

    The best have the fewest expected word errors: those of the best few texts, by the share that
    each has. Errors of the best text alone jump by chance from weight to weight on a small set.
    Raises ConfigError without a language model, or when the utterances are a test set.
    """
    _check(config, utterances, manifest)
    references = [(u.text or "").split() for u in utterances]
    knowledge = read_knowledge(config)

    @cache
    def errors(weights: Weights) -> float:
        decoder = make_beam_decoder(model, knowledge, asdict(weights), config)
        return expected_errors(decoder, log_probs, references)

    names = _names(config)
    best = search(names, errors)
    for name in names:
        _show(name, best, errors)
    weights = {name: getattr(best, name) for name in [*names, BONUS]}
    lm, neural, rescorer = digests(config)
    tuned = Tuned(
        manifest.name,
        errors(best),
        **weights,
        lm_sha256=lm,
        neural_sha256=neural,
        rescorer_sha256=rescorer,
    )
    save_tuned(folder, tuned)
    return tuned


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


def _names(config: DecodingConfig) -> list[str]:
    """The weights of the language models that there are."""
    models = {
        "lm_weight": config.lm,
        "neural_weight": config.neural_lm,
        "rescorer_weight": config.rescorer,
    }
    return [name for name, model in models.items() if model]


def _check(config: DecodingConfig, utterances: Sequence[Utterance], manifest: Path) -> None:
    if not config.models:
        raise ConfigError(
            "--tune: found no --lm, --neural-lm or --rescorer, expected the language model whose "
            "weight to find"
        )
    given = [name for name in WEIGHTS if getattr(config, name) is not None]
    if given:
        option = given[0].replace("_", "-")
        raise ConfigError(f"--tune: found --{option} as well, which it finds; leave it out")
    if "test" in manifest.stem or any(utterance.split == "test" for utterance in utterances):
        raise ConfigError(
            f"--tune: found the test set {manifest}, expected held-out data that no result is "
            "reported on, such as valid.jsonl"
        )


def expected_errors(
    decoder: BeamDecoder, log_probs: Sequence[np.ndarray], references: Sequence[list[str]]
) -> float:
    """Share of words that are wrong, in the mean over the best few texts by the share of each."""
    expected = sum(
        rival.posterior * Levenshtein.distance(rival.hypothesis.text.split(), reference)
        for scores, reference in zip(log_probs, references)
        for rival in decoder.best(scores, RIVALS)
    )
    return expected / sum(map(len, references))


def _show(name: str, best: Weights, errors: Errors) -> None:
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
