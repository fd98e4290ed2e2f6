"""Spoken digits of FSDD: which word, or who says it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from audio_rnn.audio import read_audio
from benchmarks._own_sounds.clips import TEST, TRAIN, Clip
from recipes.audio_tagging.synthesis import Draw

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def digits(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Three spoken digits; the test voices are others."""
    for digit, (number, speaker) in product((3, 7, 8), enumerate(SPEAKERS)):
        split, count = ("train", 5) if number < 4 else ("test", 8)
        for take in range(10, 10 + count):
            path = corpora / f"fsdd/recordings/{digit}_{speaker}_{take}.flac"
            yield Clip(f"digit {digit}", split, read_audio(path, 8000), 8000)


def speakers(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Six voices that say any digit, once a clip."""
    for number, speaker in enumerate(SPEAKERS):
        for take in range(TRAIN + TEST):
            name = f"{(take + number) % 10}_{speaker}_{5 + take}.flac"
            sound = read_audio(corpora / "fsdd/recordings" / name, 8000)
            yield Clip(speaker, "train" if take < TRAIN else "test", sound, 8000)


def unbalanced(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Three digits in voices that are known, of which 60, 10 and 5 clips train."""
    for digit, count in ((0, 60), (4, 10), (9, 5)):
        for number in range(count + TEST):
            speaker = SPEAKERS[number % 6]
            path = corpora / f"fsdd/recordings/{digit}_{speaker}_{10 + number // 6}.flac"
            split = "train" if number < count else "test"
            yield Clip(f"digit {digit}", split, read_audio(path, 8000), 8000)
