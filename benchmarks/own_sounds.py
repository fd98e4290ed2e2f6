"""What `conf/audio_tagging/folder.yaml` makes of small tasks that it was not chosen by.

    python -m benchmarks.own_sounds --corpora CORPORA

Each task is a folder of folders, of 20 clips a class unless its name says otherwise. It goes through
`prepare_folder` and `train` as a user types them; right are the test clips that the model has not heard.
CORPORA has the folders fsdd, esc10, librispeech_mini and nottingham; seconds are those of the processor.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from soundfile import SoundFile

from audio_rnn.config import from_command_line
from audio_rnn.inference.tagger import Tagger
from benchmarks._own_sounds import TASKS

BLOCK = 1 << 19  # samples that are written at once


@dataclass(frozen=True)
class Arguments:
    """What is learnt, and how."""

    corpora: Path = Path("corpora")
    work: Path = Path("runs/own_sounds")  # folder for sounds, manifests and runs
    tasks: tuple[str, ...] = tuple(TASKS)
    seed: int = 0  # of the training
    train: str = ""  # more options of the training, in quotes


def main() -> None:
    """A line a task."""
    arguments = from_command_line(Arguments, "Small tasks of one's own sounds.")
    for name in arguments.tasks:
        sounds = arguments.work / "sounds" / name
        if not sounds.exists():
            make(name, sounds, arguments.corpora)
        run, data = arguments.work / f"run_{name}_{arguments.seed}", arguments.work / "data" / name
        prepare(sounds, data)
        before = spent()
        recipe("train", "--config", "conf/audio_tagging/folder.yaml", "--data", data, "--run-dir", run,
               "--training.seed", arguments.seed, *arguments.train.split())  # fmt: skip
        seconds = spent() - before
        right, total = score(run, sounds / "test")
        print(f"{name:20}{right / total:6.1%} of {total:3} right, {seconds:4.0f} s", flush=True)


def make(name: str, folder: Path, corpora: Path) -> None:
    """Write the clips of a task."""
    draw = np.random.default_rng([0, *name.encode()])
    for number, clip in enumerate(TASKS[name](corpora, draw)):
        path = folder / clip.split / clip.label / f"{number:04}{clip.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = clip.waveform
        if clip.suffix == ".flac":  # at a level of its own
            sound = sound * 10 ** (draw.uniform(-20, -1) / 20) / np.abs(sound).max()
        with SoundFile(path, "w", clip.sample_rate, 1 if sound.ndim == 1 else 2) as file:
            for start in range(0, len(sound), BLOCK):
                file.write(sound[start : start + BLOCK])


def prepare(sounds: Path, data: Path) -> None:
    """Manifests, as from the command line; a part of the training clips is held out to validate."""
    recipe("prepare_folder", sounds / "train", "--output", data, "--test-share", 0)


def recipe(name: str, *arguments: object) -> None:
    """A script of the recipe, by itself."""
    command = [sys.executable, "-m", f"recipes.audio_tagging.{name}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def score(run: Path, test: Path) -> tuple[int, int]:
    """Right answers, and all."""
    tagger = Tagger.load(run)
    files = sorted(path for path in test.rglob("*") if path.is_file())
    names = [path.parent.name for path in files]
    found = [tagger.tag(path).tags[0].label for path in files]
    return sum(map(str.__eq__, names, found)), len(files)


def spent() -> float:
    """Seconds of the processor in the scripts so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
