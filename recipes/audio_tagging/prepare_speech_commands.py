"""Prepare Speech Commands v2: one of 35 words in a second, in the official splits.

SOURCE is the folder of the dataset: a folder a word, _background_noise_, validation_list.txt and
testing_list.txt. With --classes 12 there are ten commands, the class unknown (of the other words,
a tenth as many as commands) and the class silence (as many, cut from the background noise, from
other parts of it for each split), as in Warden, "Speech Commands" (2018).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from audio_rnn.audio import write_audio
from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.corpus import SPLITS, clear, write_corpus
from recipes.audio_tagging.excerpts import excerpt
from recipes.audio_tagging.recordings import Heard, clips
from recipes.prepare import Source, listed, require_folder, run

COMMANDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
UNKNOWN, SILENCE = "unknown", "silence"
NOISE = "_background_noise_"
LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
PARTS = {"train": (0.0, 0.8), "valid": (0.8, 0.9), "test": (0.9, 1.0)}  # of the background noise
OTHERS_SHARE = 0.1  # of unknown words, and of silence, for each command
VOLUMES = (0.01, 1.0)  # of silence
SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path | None = None
    """Folder for manifests and classes; data/commands12 or data/commands35 unless given."""
    classes: Literal[12, 35] = 12
    """Ten commands, unknown and silence; or all words."""
    seed: int = 0
    """Another seed chooses other unknown words and silences."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    source = require_folder(options.source, "the folder of Speech Commands")
    output = options.output or Path(f"data/commands{options.classes}")
    words = find_words(source)
    noises = find_noises(source) if options.classes == 12 else []
    clear(output)
    heard = {
        name: Heard((word,), split=split, speaker=speaker(name), recording=name)
        for name, (word, split) in words.items()
    }
    files = {name: source / name for name in words}
    if options.classes == 12:
        heard = dict(with_unknown(heard, options.seed))
        silences = dict(make_silences(noises, output, heard, options.seed))
        heard |= silences
        files |= {name: output / name for name in silences}
    write_corpus(output, clips(heard, files, source, output), source)


def find_words(source: Path) -> dict[str, tuple[str, str]]:
    """Path relative to the source -> word and split of every recording. Raises: InputError."""
    names = [path.relative_to(source).as_posix() for path in files_below(source, {".wav"})]
    words = [name for name in names if name.count("/") == 1 and not name.startswith("_")]
    splits = {name: split for split, file in LISTS.items() for name in _read_list(source / file)}
    lost = set(splits) - set(words)
    missing = set(COMMANDS) - {name.split("/")[0] for name in words}
    if lost or missing:
        found = f"{len(lost)} files of its lists missing: {listed(lost)}" if lost else ""
        absent = f"no folder of the words {listed(missing)}" if missing else ""
        raise InputError(
            f"{source}: found {' and '.join(filter(None, (absent, found)))}; expected a folder a "
            "word, unpack the corpus again"
        )
    return {name: (name.split("/")[0], splits.get(name, "train")) for name in words}


def speaker(name: str) -> str:
    """Who says a word, by the name of the file: bed/00176480_nohash_0.wav."""
    return Path(name).stem.split("_")[0]


def with_unknown(heard: Mapping[str, Heard], seed: int) -> Iterator[tuple[str, Heard]]:
    """The commands, and some of the other words as unknown ones."""
    for split in SPLITS:
        part = {name: what for name, what in heard.items() if what.split == split}
        commands = [name for name, what in part.items() if (what.tags or ("",))[0] in COMMANDS]
        others = sorted(part.keys() - set(commands))
        count = min(len(others), round(OTHERS_SHARE * len(commands)))
        chosen = set(random.Random(f"{seed} {split}").sample(others, count))
        for name, what in part.items():
            if name in chosen:
                yield name, replace(what, tags=(UNKNOWN,))
            elif name not in others:
                yield name, what


def find_noises(source: Path) -> list[Path]:
    """The recordings of background noise. Raises: InputError."""
    noises = files_below(require_folder(source / NOISE, "recordings of background noise"), {".wav"})
    if not noises:
        raise InputError(f"{source / NOISE}: found no .wav file, expected background noise")
    return noises


def make_silences(
    noises: list[Path], output: Path, heard: Mapping[str, Heard], seed: int
) -> Iterator[tuple[str, Heard]]:
    """Write a second of background noise for each ten commands of a split."""
    (output / "audio").mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        commands = sum(h.split == split and h.tags != (UNKNOWN,) for h in heard.values())
        for number in range(round(OTHERS_SHARE * commands)):
            name = f"audio/{split}-{number:05}.flac"
            draw = np.random.default_rng([seed, *name.encode()])
            noise = noises[draw.integers(len(noises))]
            sound = excerpt(noise, 1.0, SAMPLE_RATE, draw, PARTS[split])
            write_audio(output / name, draw.uniform(*VOLUMES) * sound, SAMPLE_RATE)
            yield name, Heard((SILENCE,), split=split, recording=name)


def _read_list(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read: {error}; expected the corpus's list of recordings"
        ) from error


if __name__ == "__main__":
    run(prepare, Options, __doc__)
