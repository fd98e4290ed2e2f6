"""False alarms per hour of sound without keywords, against keywords missed, by threshold.

    python -m benchmarks.keyword_spotting --model runs/keyword_stream

Accuracy on a test set of keywords hides the alarms that a stream of other sound sets off. Here all
recordings of --without whose text has no keyword are one long stream, through which the model keeps
its state; a keyword of --manifest, whose events are known, is missed when no detection of its class
overlaps it.
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
from audio_rnn.decoding.events import DetectionConfig, Rule, find_events
from audio_rnn.events import Detection, Event
from audio_rnn.inference.sounds import rows_of, step_probabilities
from audio_rnn.models.sound import SoundModel
from recipes.audio_tagging.hearing import listen
from recipes.held_out import held_out

THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True)
class Arguments:
    """What to score on what."""

    model: Path = Path("runs/keyword_stream")  # run folder of a model with one direction
    manifest: Path = Path("data/keyword_stream/test.jsonl")  # keywords, and when they are said
    without: tuple[Path, ...] = (Path("data/kathleen/train.jsonl"),)  # speech with its texts
    median_seconds: float = 0.2  # of the filter of detections


def main() -> None:
    """One line a threshold."""
    arguments = from_command_line(Arguments, "False alarms and misses of a keyword spotter.")
    model = SoundModel.load(arguments.model)
    rate = model.features.config.sample_rate
    names = model.classes.names
    sound = [s for path in arguments.without for s in without_keywords(path, names, rate)]
    hours = sum(map(len, sound)) / rate / 3600
    alarms = _probabilities(model, sound)
    scenes, heard = zip(*listen([model], held_out(arguments.manifest)))
    table = Table("threshold", f"false alarms an hour ({hours:.2f} h)", "missed", "of keywords")
    for threshold in THRESHOLDS:
        rules = DetectionConfig(otherwise=Rule(threshold, arguments.median_seconds))
        false = len(find_events(alarms, names, model.step_seconds, rules))
        found = [find_events(h.steps, names, model.step_seconds, rules) for h in heard]
        missed = sum(map(count_missed, scenes, found))
        total = sum(len(scene.events or ()) for scene in scenes)
        rates = (f"{false / hours:.1f}", f"{missed / total:.1%}", str(total))
        table.add_row(f"{threshold:g}", *rates)
    Console().print(table)


def without_keywords(path: Path, keywords: Sequence[str], rate: int) -> Iterator[np.ndarray]:
    """The sound (samples,) of each utterance in whose text no keyword is said."""
    for utterance in read_manifest(path):
        if not said(utterance, keywords):
            yield read_audio(path.parent / utterance.source, rate)


def said(utterance: Utterance, keywords: Sequence[str]) -> bool:
    """Whether the text has a keyword, also inside another word, as in "someone"."""
    return any(keyword in (utterance.text or "").lower() for keyword in keywords)


def count_missed(scene: Utterance, found: Iterable[Detection]) -> int:
    """Events that no detection of their class overlaps."""
    found = list(found)
    return sum(not any(_overlap(event, other) for other in found) for event in scene.events or ())


def _overlap(event: Event, found: Detection) -> bool:
    same = event.label == found.label
    return same and found.onset < event.offset and found.offset > event.onset


def _probabilities(model: SoundModel, sound: Sequence[np.ndarray]) -> np.ndarray:
    """Of one stream of all sounds: (steps, classes)."""
    rows = rows_of([model], model.features.static_pieces(sound))
    return np.concatenate([step_probabilities(model, piece).cpu().numpy() for piece in rows])


if __name__ == "__main__":
    main()
