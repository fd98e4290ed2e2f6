"""Answers of taggers to recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from audio_rnn.audio import read_blocks
from audio_rnn.data.inputs import read_frames
from audio_rnn.data.manifest import Utterance
from audio_rnn.inference.sounds import ClipScore, rows_of, step_probabilities
from audio_rnn.models.sound import SoundModel
from recipes.held_out import Recording


@dataclass(frozen=True)
class Heard:
    """Probabilities of classes in one clip."""

    clip: NDArray[np.float64]  # (classes,)
    steps: NDArray[np.float32]  # (steps, classes)


def listen(
    models: Sequence[SoundModel], parts: Iterable[list[Recording]]
) -> Iterator[tuple[Utterance, Heard]]:
    """What models answer to each recording, whole however long it is, in order.

    Raises: AudioError, ManifestError.
    """
    console = Console(stderr=True)
    for part in parts:
        quiet = not console.is_terminal
        for recording in track(part, "listening", console=console, transient=True, disable=quiet):
            yield recording.utterance, _hear(models, recording)


def _hear(models: Sequence[SoundModel], recording: Recording) -> Heard:
    model = models[0]
    features, source = model.features, recording.source
    if recording.utterance.features:
        pieces = iter([torch.from_numpy(read_frames(source))])
    else:
        pieces = features.static_pieces(read_blocks(source, features.config.sample_rate))
    score, steps = ClipScore(models), []
    for rows in rows_of(models, pieces):
        score.add(rows)
        steps.append(step_probabilities(model, rows).cpu().numpy())
    return Heard(score.probabilities().cpu().numpy(), np.concatenate(steps))
