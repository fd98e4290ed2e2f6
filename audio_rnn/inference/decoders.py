"""The decoder of a speech model, with the weights that tuning saved beside it."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audio_rnn.config import from_dict, to_dict
from audio_rnn.decoding.decoder import Decoder
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.settings import DecodingConfig, all_hotwords, read_lexicon
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.models.folder import NAME
from audio_rnn.models.speech import SpeechModel
from audio_rnn.storage import write_text

if TYPE_CHECKING:
    from audio_rnn.decoding.beam.fusion import Weights

log = logging.getLogger(__name__)

TUNED = "decoding.json"


@dataclass(frozen=True)
class Tuned:
    """What `evaluate --tune` found for one language model."""

    lm_sha256: str  # of its file
    lm_weight: float
    word_bonus: float
    manifest: str  # name of what it was tuned on
    expected_wer: float  # there


def make_decoder(
    model: SpeechModel, folder: Path | None = None, config: DecodingConfig | None = None
) -> Decoder:
    """The decoder that `config` asks for; `folder` may hold tuned weights for its language model.

    Raises: DecodingError, LanguageModelError, ModelError.
    """
    if config is None or config.greedy:
        return GreedyDecoder(model.vocabulary, model.step_seconds)
    from audio_rnn.decoding.beam.decoder import (  # numba takes a while to load
        BeamConfig,
        BeamDecoder,
    )
    from audio_rnn.decoding.beam.fusion import Knowledge, Weights
    from audio_rnn.decoding.ngram.model import NgramModel

    knowledge = Knowledge(
        lm=NgramModel.load(config.lm) if config.lm else None,
        lexicon=read_lexicon(config.lexicon) if config.lexicon else None,
        hotwords=all_hotwords(config),
    )
    chosen = {
        name: value
        for name in ("lm_weight", "word_bonus")
        if (value := getattr(config, name)) is not None
    }
    weights = replace(_tuned_weights(Weights(), folder, config.lm), **chosen)
    beam = BeamConfig() if config.beam_width is None else BeamConfig(config.beam_width)
    return BeamDecoder(model.vocabulary, model.step_seconds, knowledge, weights, beam)


def save_tuned(folder: Path, tuned: Tuned) -> None:
    """Keep what tuning found beside the model. Raises OSError."""
    write_text(_place(folder), json.dumps(to_dict(tuned), indent=1) + "\n")


def load_tuned(folder: Path) -> Tuned | None:
    """What tuning saved, or None. Raises ModelError when it is broken."""
    place = _place(folder)
    if not place.exists():
        return None
    try:
        return from_dict(Tuned, json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, ConfigError) as error:
        raise ModelError(f"{place}: {error}; tune again, or delete the file") from None


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tuned_weights(weights: Weights, folder: Path | None, lm: Path | None) -> Weights:
    tuned = load_tuned(folder) if folder and lm else None
    if tuned is None or lm is None:
        return weights
    if tuned.lm_sha256 != digest(lm):
        log.warning(
            "%s holds weights for another language model; taking the usual ones. Tune them by "
            "python -m recipes.speech_recognition.evaluate --tune",
            folder,
        )
        return weights
    return replace(weights, lm_weight=tuned.lm_weight, word_bonus=tuned.word_bonus)


def _place(folder: Path) -> Path:
    inside = folder / NAME
    return (inside if inside.is_dir() else folder) / TUNED
