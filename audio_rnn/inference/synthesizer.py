"""A piece -> a waveform: by a small synthesizer of plucked strings, or by a SoundFont."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_rnn.errors import MusicError
from audio_rnn.midi.midi_file import score_of
from audio_rnn.midi.piece import QUARTER, Piece

if TYPE_CHECKING:
    from symusic import Synthesizer

SAMPLE_RATE = 44_100  # Hz
PEAK = 0.9  # of the loudest sample
PARTIALS = 10
DECAY = 1.6  # a second, of the first partial of middle C; higher ones fade sooner
ATTACK, RELEASE = 0.004, 0.06  # seconds


def render(piece: Piece, soundfont: Path | None = None) -> np.ndarray:
    """(samples,) float32 at SAMPLE_RATE, its loudest sample at PEAK.

    Raises: MusicError for a file that is no SoundFont.
    """
    waveform = pluck(piece) if soundfont is None else render_soundfont(piece, soundfont)
    loudest = float(np.abs(waveform).max(initial=0))
    return (waveform * (PEAK / loudest) if loudest else waveform).astype(np.float32)


def pluck(piece: Piece) -> np.ndarray:
    """Every note as a sum of partials that fade."""
    times = _seconds(piece)
    waveform = np.zeros(round((times[-1] + RELEASE) * SAMPLE_RATE) + 1)
    for voice in piece.voices:
        for note in voice.notes:
            start = round(times[note.start] * SAMPLE_RATE)
            samples = round(times[note.end] * SAMPLE_RATE) - start
            tone = _tone(note.pitch, samples) * (note.velocity / 127) ** 1.5
            part = waveform[start : start + len(tone)]
            part += tone[: len(part)]
    return waveform


@lru_cache(maxsize=256)
def _tone(pitch: int, samples: int) -> np.ndarray:
    """A note held for so many samples, and its release."""
    release = round(RELEASE * SAMPLE_RATE)
    time = np.arange(samples + release) / SAMPLE_RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    partials = [n for n in range(1, PARTIALS + 1) if n * frequency < 0.45 * SAMPLE_RATE]
    tone = np.zeros(len(time))
    for n in partials:
        fading = DECAY * (frequency / 261.6) ** 0.5 * (1 + 0.6 * (n - 1))
        tone += np.exp(-fading * time) * np.sin(2 * np.pi * n * frequency * time) / n**1.3
    tone *= np.minimum(time / ATTACK, 1)
    tone[samples:] *= np.linspace(1, 0, release)
    return tone


def _seconds(piece: Piece) -> np.ndarray:
    """(steps + 1,) when each step begins."""
    durations = np.empty(piece.end)
    for tempo in piece.tempos:
        durations[tempo.start :] = 60 / tempo.bpm / QUARTER
    return np.concatenate([[0.0], np.cumsum(durations)])


def render_soundfont(piece: Piece, soundfont: Path) -> np.ndarray:
    """By symusic's synthesizer, both channels mixed. Raises: MusicError."""
    sound = load_soundfont(soundfont).render(score_of(piece), stereo=True)
    return np.asarray(sound).mean(axis=0)


def load_soundfont(path: Path) -> Synthesizer:
    """What plays a SoundFont. Raises: MusicError for a file that is none, or a broken one."""
    from symusic import Synthesizer

    _check_head(path)
    try:
        return Synthesizer(sf_path=str(path), sample_rate=SAMPLE_RATE, quality=4)
    except (RuntimeError, ValueError) as error:
        raise MusicError(
            f"{path}: damaged: {error}; expected a whole SoundFont, copy it again"
        ) from error


def _check_head(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise MusicError(f"{path}: cannot be read: {error.strerror}; check the name") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise MusicError(
            f"{path}: found no SoundFont by its first bytes, expected a .sf2 or .sf3 file; name "
            "another, or none for the built-in synthesizer"
        )
