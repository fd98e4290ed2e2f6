"""Prepare long recordings: utterances of a prepared corpus, one after the other, with pauses.

SOURCE is a folder that another prepare script wrote. A network that has only met single utterances
loses its way in what follows them; one that listens to streams must have met several, and the
silence between. Every utterance is heard once in each round, in random company.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audio_rnn.audio import read_audio
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.errors import InputError
from recipes.prepare import Source, require_folder, run
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.splits import SPLITS

PAUSE_SECONDS = (0.0, 2.0)
PAUSE_LEVELS = (1e-5, 1e-2)  # standard deviation of the noise in a pause
SILENT_SHARE = 0.2  # of pauses are digital silence
SUDDEN_SHARE = 0.5  # of recordings begin with speech, as many end with it


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder with train.jsonl and audio, as another prepare script wrote it."""
    output: Path = Path("data/joined")
    """Folder for sound, manifests and vocabulary."""
    most: int = 6
    """Utterances in a recording, at most."""
    rounds: int = 1
    """How often each training utterance is heard, each time beside others."""
    sample_rate: int = 16000
    """Of the recordings, in Hz."""
    seed: int = 0
    """Another seed joins others."""


def prepare(options: Options) -> None:
    """Write the recordings and their manifests. Raises: InputError."""
    for name in ("most", "rounds"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name}: found {getattr(options, name)}, expected 1 or more")
    require_folder(options.source, "a folder that a prepare script wrote")
    splits = {
        split: [_join(options, *item) for item in plan(options, split)]
        for split in SPLITS
        if (options.source / f"{split}.jsonl").exists()
    }
    write_corpus(options.output, splits)


def plan(options: Options, split: str) -> Iterator[tuple[str, list[Utterance]]]:
    """The id of each recording of a split, and its utterances."""
    manifest = options.source / f"{split}.jsonl"
    utterances, draw = read_manifest(manifest), random.Random(f"{options.seed} {split}")
    if features := next((u for u in utterances if u.audio is None), None):
        raise InputError(f"{manifest}: {features.id!r} has features, expected audio to join")
    number = 0
    for _ in range(options.rounds if split == "train" else 1):
        draw.shuffle(utterances)
        rest: Sequence[Utterance] = utterances
        while rest:
            count = draw.randint(1, options.most)
            yield f"{split}-{number:05}", list(rest[:count])
            rest, number = rest[count:], number + 1


def _join(options: Options, name: str, parts: list[Utterance]) -> Utterance:
    draw = np.random.default_rng([options.seed, *name.encode()])
    pieces = []
    for part in parts:
        pieces.append(_pause(options.sample_rate, draw))
        pieces.append(read_audio(options.source / part.source, options.sample_rate))
    pieces.append(_pause(options.sample_rate, draw))
    first, last = (int(draw.uniform() < SUDDEN_SHARE) for _ in range(2))
    signal = np.concatenate(pieces[first : len(pieces) - last])
    path = options.output / "audio" / f"{name}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, signal, options.sample_rate)
    text = " ".join(part.text or "" for part in parts)
    seconds = round(len(signal) / options.sample_rate, 4)
    return Utterance(name, seconds, audio=f"audio/{path.name}", text=text)


def _pause(sample_rate: int, draw: np.random.Generator) -> np.ndarray:
    """Noise (samples,) of a random length and level."""
    noise = draw.standard_normal(round(draw.uniform(*PAUSE_SECONDS) * sample_rate))
    level = np.exp(draw.uniform(*np.log(PAUSE_LEVELS))) * (draw.uniform() >= SILENT_SHARE)
    return (level * noise).clip(-1, 1).astype(np.float32)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
