"""A model's answers to the clips of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Heard:
    """Probabilities of classes in one clip."""

    clip: NDArray[np.float64]  # (classes,)
    steps: NDArray[np.float32]  # (steps, classes)


def listen(model: SoundModel, clips: Sequence[Utterance], folder: Path) -> list[Heard]:
    """The model's answer to each clip, whole however long it is. Raises AudioError, ManifestError."""
    console = Console(stderr=True)
    shown = track(
        clips, "listening", console=console, transient=True, disable=not console.is_terminal
    )
    return [_hear(model, clip, folder) for clip in shown]


def _hear(model: SoundModel, clip: Utterance, folder: Path) -> Heard:
    path, features = folder / clip.source, model.features
    if clip.features:
        pieces = iter([torch.from_numpy(read_frames(path))])
    else:
        pieces = features.static_pieces(read_blocks(path, features.config.sample_rate))
    score, steps = ClipScore(model), []
    for rows in rows_of(model, pieces):
        score.add(rows)
        steps.append(step_probabilities(model, rows).cpu().numpy())
    return Heard(score.probabilities().cpu().numpy(), np.concatenate(steps))
