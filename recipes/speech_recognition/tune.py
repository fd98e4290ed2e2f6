"""Find what decoding takes on held-out utterances: weights of language models, confidences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console

from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.beam.knowledge import Weights
from audio_rnn.decoding.calibration import Calibration, calibration_error, fit, judge
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError
from audio_rnn.inference.decoders import make_beam_decoder, read_knowledge, texts_of
from audio_rnn.inference.known_words import with_known_words
from audio_rnn.inference.tuned import WEIGHTS, Tuned, digests, save_tuned
from audio_rnn.metrics.text import word_errors
from audio_rnn.models.speech import SpeechModel
from recipes.speech_recognition.weights import BONUS, expected_errors, search, show


def tune(
    folder: Path,
    model: SpeechModel,
    config: DecodingConfig,
    log_probs: Sequence[np.ndarray],
    utterances: Sequence[Utterance],
    manifest: Path,
) -> Tuned:
    """Search weights if there are language models, calibrate confidences, print what came of it,
    and save it with the model.

    The best weights have the fewest expected word errors: those of the best few texts, by the share
    that each has. Errors of the best text alone jump by chance from weight to weight on a small set.
    Raises ConfigError when the utterances are a test set, or what shall be found is given.
    """
    _check(config, utterances, manifest)
    config = with_known_words(config, folder)
    references = [" ".join((u.text or "").split()) for u in utterances]
    find = _tune_greedy if config.greedy else _tune_beam
    decoder, error, weights = find(model, config, log_probs, references)
    lm, neural, rescorer = digests(config)
    tuned = Tuned(
        manifest.name,
        error,
        config.greedy,
        **weights,
        lm_sha256=lm,
        neural_sha256=neural,
        rescorer_sha256=rescorer,
        calibration=calibrate(decoder, log_probs, references),
    )
    save_tuned(folder, tuned)
    return tuned


Found = tuple[Decoder, float, dict[str, float]]  # its word error rate, and its weights by name


def _tune_greedy(
    model: SpeechModel,
    config: DecodingConfig,
    log_probs: Sequence[np.ndarray],
    references: Sequence[str],
) -> Found:
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    return decoder, word_errors(references, texts_of(decoder, log_probs)).rate, {}


def _tune_beam(
    model: SpeechModel,
    config: DecodingConfig,
    log_probs: Sequence[np.ndarray],
    references: Sequence[str],
) -> Found:
    knowledge = read_knowledge(config)
    words = [reference.split() for reference in references]

    @cache
    def errors(weights: Weights) -> float:
        decoder = make_beam_decoder(model, knowledge, asdict(weights), config)
        return expected_errors(decoder, log_probs, words)

    names = _names(config)
    best = search(names, errors)
    for name in names:
        show(name, best, errors)
    weights = {name: getattr(best, name) for name in ([*names, BONUS] if names else [])}
    return make_beam_decoder(model, knowledge, weights, config), errors(best), weights


def calibrate(
    decoder: Decoder, log_probs: Sequence[np.ndarray], references: Sequence[str]
) -> Calibration:
    """The calibration of the decoder's confidences, said with its effect on the same words."""
    pairs = zip(references, log_probs)
    judged = np.concatenate([judge(text, decode(decoder, scores)) for text, scores in pairs])
    calibration = fit(judged)
    before, after = judged, np.stack([calibration.of(judged[:, 0]), judged[:, 1]], 1)
    Console().print(
        f"confidences of {len(judged)} words: {judged[:, 1].mean():.3f} are right; "
        f"mean {before[:, 0].mean():.3f}, calibrated {after[:, 0].mean():.3f}; calibration error "
        f"{calibration_error(before):.3f}, calibrated {calibration_error(after):.3f}",
        highlight=False,
        soft_wrap=True,
    )
    return calibration


def _names(config: DecodingConfig) -> list[str]:
    """The weights of the language models that there are."""
    models = {
        "lm_weight": config.lm,
        "neural_weight": config.neural_lm,
        "rescorer_weight": config.rescorer,
    }
    return [name for name, model in models.items() if model]


def _check(config: DecodingConfig, utterances: Sequence[Utterance], manifest: Path) -> None:
    given = [name for name in WEIGHTS if getattr(config, name) is not None]
    if given:
        option = given[0].replace("_", "-")
        raise ConfigError(f"--tune: found --{option} as well, which it finds; leave it out")
    if "test" in manifest.stem or any(utterance.split == "test" for utterance in utterances):
        raise ConfigError(
            f"--tune: found the test set {manifest}, expected held-out data that no result is "
            "reported on, such as valid.jsonl"
        )
