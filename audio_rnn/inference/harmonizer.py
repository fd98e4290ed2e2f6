"""A trained model of voices at work: other voices around a melody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.config import require
from audio_rnn.data.rolls import KEYS, LOWEST_PITCH, Roll
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.decoding.voices import draw_voices
from audio_rnn.errors import ModelError, MusicError
from audio_rnn.midi.piece import QUARTER, Note, Piece, Voice
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.key_heads import key_sung
from audio_rnn.models.rolls import RollModel

PARTICLES = 16  # rolls that are drawn side by side
FRAME = QUARTER // 4  # steps: the models of the recipe tell sixteenths


class Harmonizer:
    """Draws the other voices of a chorale, the first of which is given."""

    def __init__(self, model: RollModel) -> None:
        self.model = model

    @classmethod
    def load(cls, folder: str | Path) -> Harmonizer:
        """From a run folder, or the model folder inside it.

        Raises: ModelError, also for a model of rolls that keeps no voices apart.
        """
        model = RollModel.load(folder)
        if "voices" not in model.heads:
            raise ModelError(
                f"{folder}: found a model of rolls that keeps no voices apart, expected one of "
                "voices; train one with conf/music_generation/jsb_16th.yaml"
            )
        return cls(model)

    def harmonize(
        self,
        melody: Piece,
        sampling: SamplingConfig | None = None,
        seed: int = 0,
        particles: int = PARTICLES,
        progress: Callable[[float], object] = lambda share: None,
    ) -> Piece:
        """Other voices around the first voice of a tidy piece, which stays as it is.

        More particles look further ahead in the melody, and take longer (`decoding/voices.py`);
        `progress` is told the share of the frames that is drawn.

        Raises: MusicError for a melody in several voices at once, off the grid of sixteenths or
        beyond a piano.
        """
        require(particles >= 1, "particles", particles, "1 or more")
        sung = keys_of(melody.voices[0])
        roll = draw_voices(
            self.model,
            len(sung),
            {0: sung},
            sampling or SamplingConfig(),
            seed,
            particles,
            progress,
        )
        return tidy(replace(melody, voices=(melody.voices[0], *voices_of(roll)[1:])))


def keys_of(voice: Voice) -> NDArray[np.int64]:
    """(frames,) the key that sounds in each, KEYS for a rest. Raises: MusicError."""
    sung = np.full(-(-voice.notes[-1].end // FRAME), KEYS)
    free = 0  # the step at which the note before has ended
    for note in voice.notes:
        if note.start < free:
            raise MusicError(
                f"melody: found a note in quarter {note.start / QUARTER:.4g} while another sounds, "
                "expected one at a time; leave one voice"
            )
        if note.start % FRAME or note.length % FRAME:
            raise MusicError(
                f"melody: found a note from quarter {note.start / QUARTER:.4g} to "
                f"{note.end / QUARTER:.4g}, expected sixteenths; round it, or use a model of events"
            )
        if not 0 <= note.pitch - LOWEST_PITCH < KEYS:
            raise MusicError(
                f"melody: found pitch {note.pitch}, expected {LOWEST_PITCH} to "
                f"{LOWEST_PITCH + KEYS - 1}; transpose it"
            )
        sung[note.start // FRAME : note.end // FRAME] = note.pitch - LOWEST_PITCH
        free = note.end
    return sung


def voices_of(roll: Roll) -> list[Voice]:
    """Each voice, a note for as long as a key is held."""
    return [Voice(tuple(_notes(keys))) for keys in key_sung(torch.from_numpy(roll)).numpy().T]


def _notes(keys: NDArray[np.int64]) -> list[Note]:
    changes = np.flatnonzero(np.diff(keys, prepend=-1, append=-1))
    return [
        Note(int(start) * FRAME, LOWEST_PITCH + int(keys[start]), int(stop - start) * FRAME)
        for start, stop in pairwise(changes)
        if keys[start] < KEYS
    ]
