"""False alarms per hour of sound without keywords, against keywords missed, by threshold.

    python -m benchmarks.keyword_spotting --model runs/keyword_stream

Accuracy on a test set of keywords hides the alarms that a stream of other sound sets off. Here all
recordings of --without whose text has no keyword are one long stream, through which the model keeps
its state; a keyword of --manifests, whose events are known, is missed when no detection of its class
overlaps it. Manifests that were mixed at one level each (prepare_soundscapes --snr 5 10) tell how
misses depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audio_rnn.audio import read_audio
from audio_rnn.config import from_command_line
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.decoding.events import DetectionConfig, Rule, find_events, load_rules
from audio_rnn.events import merged
from audio_rnn.inference.sounds import rows_of, step_probabilities
from audio_rnn.metrics.events import DetectionCounts, overlap_counts
from audio_rnn.models.folder import model_folder
from audio_rnn.models.sound import SoundModel
from recipes.audio_tagging.hearing import Heard, listen
from recipes.held_out import held_out

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)


@dataclass(frozen=True)
class Arguments:
    """What to score on what."""

    model: Path = Path("runs/keyword_stream")  # run folder of a model with one direction
    # Keywords, and when they are said; a column of misses each.
    manifests: tuple[Path, ...] = (Path("data/keyword_stream/test.jsonl"),)
    without: tuple[Path, ...] = (Path("data/kathleen/train.jsonl"),)  # speech with its texts
    median_seconds: float = 0.0  # of the filter of detections
    pause_seconds: float = 0.5  # up to which one word is one alarm


def main() -> None:
    """One line a threshold, and one for the rules that were tuned and saved with the model."""
    arguments = from_command_line(Arguments, "False alarms and misses of a keyword spotter.")
    model = SoundModel.load(arguments.model)
    rate, names, step = model.config.features.sample_rate, model.classes.names, model.step_seconds
    sound = [s for path in arguments.without for s in without_keywords(path, names, rate)]
    hours = sum(map(len, sound)) / rate / 3600
    quiet = _probabilities(model, sound)
    scenes = [list(listen([model], held_out(path))) for path in arguments.manifests]
    columns = [
        f"missed of {sum(len(clip.events or ()) for clip, _ in part)}: {path.parent.name}"
        for path, part in zip(arguments.manifests, scenes)
    ]
    table = Table("threshold", f"false alarms an hour ({hours:.2f} h)", *columns)
    for name, rules in _rules(arguments).items():
        alarms = len(find_events(quiet, names, step, rules)) / hours
        table.add_row(name, f"{alarms:.1f}", *(missed(s, names, step, rules) for s in scenes))
    Console().print(table)


def _rules(arguments: Arguments) -> dict[str, DetectionConfig]:
    """By the name of their row."""
    filters = arguments.median_seconds, arguments.pause_seconds
    found = {f"{t:g}": DetectionConfig(otherwise=Rule(t, *filters)) for t in THRESHOLDS}
    tuned = load_rules(model_folder(arguments.model))
    return found | ({"as tuned": tuned} if tuned.rules else {})


def missed(
    scenes: Iterable[tuple[Utterance, Heard]],
    names: tuple[str, ...],
    step: float,
    rules: DetectionConfig,
) -> str:
    """Share of the events that nothing found overlaps."""
    counts = sum(
        (
            overlap_counts(merged(clip.events or ()), find_events(heard.steps, names, step, rules))
            for clip, heard in scenes
        ),
        DetectionCounts(),
    )
    return f"{counts.misses / (counts.hits + counts.misses):.1%}"


def without_keywords(path: Path, keywords: Sequence[str], rate: int) -> Iterator[np.ndarray]:
    """The sound (samples,) of each utterance in whose text no keyword is said."""
    for utterance in read_manifest(path):
        if not said(utterance, keywords):
            yield read_audio(path.parent / utterance.source, rate)


def said(utterance: Utterance, keywords: Sequence[str]) -> bool:
    """Whether the text has a keyword, also inside another word, as in "someone"."""
    return any(keyword in (utterance.text or "").lower() for keyword in keywords)


def _probabilities(model: SoundModel, sound: Sequence[np.ndarray]) -> np.ndarray:
    """Of one stream of all sounds: (steps, classes)."""
    rows = rows_of([model], model.features.static_pieces(sound), clips=False)
    return np.concatenate([step_probabilities(model, piece).cpu().numpy() for piece in rows])


if __name__ == "__main__":
    main()
