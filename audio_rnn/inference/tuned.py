"""What tuning has found for a speech model, kept beside it: one entry a choice of language models."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.config import from_dict, to_dict
from audio_rnn.decoding.calibration import Calibration
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.models.folder import NAME
from audio_rnn.storage import write_text

log = logging.getLogger(__name__)

TUNED = "decoding.json"
WEIGHTS = ("lm_weight", "neural_weight", "rescorer_weight", "word_bonus")


@dataclass(frozen=True)
class Tuned:
    """What `evaluate --tune` found for one choice of language models, or for none."""

    manifest: str  # name of what it was tuned on
    expected_wer: float  # there
    greedy: bool = False  # decoding; otherwise a beam search
    word_bonus: float | None = None
    lm_sha256: str | None = None  # of the n-gram model's file
    lm_weight: float | None = None
    neural_sha256: str | None = None  # of the description of the model in the search
    neural_weight: float | None = None
    rescorer_sha256: str | None = None  # ... of the one after it
    rescorer_weight: float | None = None
    calibration: Calibration | None = None  # of confidences

    @property
    def models(self) -> tuple[str | None, ...]:
        """What the weights are of."""
        return self.lm_sha256, self.neural_sha256, self.rescorer_sha256

    @property
    def weights(self) -> dict[str, float]:
        """By the names that decoding has for them."""
        return {name: value for name in WEIGHTS if (value := getattr(self, name, None)) is not None}


def digests(config: DecodingConfig) -> tuple[str | None, ...]:
    """SHA-256 of each language model, in the order of `Tuned.models`."""
    models = config.lm, config.neural_lm, config.rescorer
    return tuple(digest(path) if path else None for path in models)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a model's folder, that of the description, which signs the weights."""
    with (_model(path) / f"{NAME}.json" if path.is_dir() else path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_tuned(folder: Path, config: DecodingConfig) -> Tuned | None:
    """What tuning has saved for these language models. Raises ModelError."""
    wanted = config.greedy, digests(config)
    return next((t for t in load_tuned(folder) if (t.greedy, t.models) == wanted), None)


def warn_of_others(folder: Path, config: DecodingConfig) -> None:
    """A warning when tuning has saved weights, but not for the language models that are asked for.

    Raises ModelError.
    """
    if config.models and any(any(tuned.models) for tuned in load_tuned(folder)):
        log.warning(
            "%s holds weights for another choice of language models; taking the usual ones. Tune "
            "them by python -m recipes.speech_recognition.evaluate --tune",
            folder,
        )


def save_tuned(folder: Path, tuned: Tuned) -> None:
    """Keep what tuning found, in place of what it found for the same. Raises OSError, ModelError."""
    mine = tuned.greedy, tuned.models
    others = [other for other in load_tuned(folder) if (other.greedy, other.models) != mine]
    rows = [to_dict(one) for one in [*others, tuned]]
    write_text(_model(folder) / TUNED, json.dumps(rows, indent=1) + "\n")


def load_tuned(folder: Path) -> list[Tuned]:
    """All that tuning has saved. Raises ModelError when it is broken."""
    place = _model(folder) / TUNED
    if not place.exists():
        return []
    try:
        rows = json.loads(place.read_text(encoding="utf-8"))
        # One entry by itself is what the first versions wrote.
        return [from_dict(Tuned, row) for row in (rows if isinstance(rows, list) else [rows])]
    except (OSError, ValueError, ConfigError) as error:
        raise ModelError(f"{place}: {error}; delete the file and tune again") from None


def _model(folder: Path) -> Path:
    inside = folder / NAME
    return inside if inside.is_dir() else folder
