"""Recordings as they are, of any kind."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from audio_rnn.audio import read_audio, resample
from audio_rnn.inference.synthesizer import SAMPLE_RATE, render
from audio_rnn.midi.files import read_midi
from benchmarks._own_sounds.clips import Clip, each
from recipes.audio_tagging.synthesis import RATE, Draw, synthesise
from recipes.noise import coloured


def music_speech_noise(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Ten seconds: rendered tunes, people who read (others in the test), noise of any colour."""
    tunes = sorted((corpora / "nottingham/MIDI").glob("*.mid"))
    with (corpora / "librispeech_mini/manifest.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if float(row["seconds"]) > 5]
    voices = sorted({row["speaker"]: row["path"] for row in rows}.values())
    for number, (label, split) in enumerate(each(("music", "speech", "noise"))):
        if label == "music":
            sound, rate = render(read_midi(tunes[7 * number])), SAMPLE_RATE
        elif label == "speech":
            sound, rate = read_audio(corpora / "librispeech_mini" / voices[number], RATE), RATE
        else:
            sound, rate = coloured(10 * RATE, draw.uniform(0, 2), draw), RATE
        yield Clip(label, split, sound[: 10 * rate], rate)


def esc10(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Dog, rain and clock of ESC-10: folds 1 to 3 train, 4 and 5 test."""
    with (corpora / "esc10/esc10.csv").open() as file:
        for row in csv.DictReader(file):
            if row["category"] in ("dog", "rain", "clock_tick"):
                path = (corpora / "esc10/audio" / row["filename"]).with_suffix(".flac")
                split = "train" if int(row["fold"]) < 4 else "test"
                yield Clip(row["category"], split, read_audio(path, RATE))


def any_files(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Stereo mp3 and ogg of 44.1 kHz, 0.1 s to two minutes, at any level."""
    for label, split in each(("alarm", "bird", "engine", "rain")):
        seconds = np.exp(draw.uniform(*np.log((0.1, 120))))
        sound = resample(synthesise(label, min(seconds, 10), draw), RATE, 44100)
        sound = np.resize(sound, round(seconds * 44100))
        level = 10 ** (draw.uniform(-50, -1) / 20)
        stereo = sound[:, None] * draw.uniform(0.3, 1, 2) * level
        yield Clip(label, split, stereo, 44100, str(draw.choice([".mp3", ".ogg"])))
