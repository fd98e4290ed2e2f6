"""One hour of mixed files through the real command line: speed and peak memory.

    python -m benchmarks.transcribe
    python -m benchmarks.transcribe --model runs/default --threads None

Without --model the network has the default size and random weights, which costs the same. The
files differ in length (one of 20 minutes), format, rate and channels; their sound is made up.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from audio_rnn.config import from_command_line
from audio_rnn.models.folder import write_model
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.vocabulary import Vocabulary

FORMATS = (("wav", 16000, 1), ("flac", 44100, 2), ("ogg", 22050, 1), ("mp3", 48000, 2))
LONGEST_SHARE = 1 / 3  # of the audio is one file


@dataclass(frozen=True)
class Arguments:
    """What to transcribe, and with what."""

    seconds: int = 3600  # of audio
    threads: int | None = 1  # None: one for each direction, as commands do
    model: Path | None = None  # a run folder


def main() -> None:
    """Make the files, transcribe them in a process of its own, print the figures."""
    arguments = from_command_line(Arguments, "Speed and peak memory of audio-rnn transcribe.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or _random_model(folder / "run")
        lengths = _lengths(arguments.seconds)
        for number, seconds in enumerate(lengths):
            _write(folder / "audio", number, seconds)
        wall, processor, peak = _transcribe(model, folder, arguments.threads)
    total = sum(lengths)
    threads = arguments.threads or "a thread for each direction"
    print(f"{len(lengths)} files, {total:.0f} s of audio, threads: {threads}")
    print(f"{wall:.1f} s of wall clock, start included: {total / wall:.0f} x real time")
    print(f"{processor:.1f} s of processor: {total / processor:.0f} x real time")
    print(f"peak memory {peak / 1e9:.2f} GB")


def _random_model(folder: Path) -> Path:
    torch.manual_seed(0)
    vocabulary = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz '"])
    model = SpeechModel(SpeechConfig(), vocabulary)
    write_model(folder / "model", model, model.describe())
    return folder


def _lengths(total: int) -> list[float]:
    """Seconds of each file: one long, the rest of 2 to 90, as many as are needed."""
    random = np.random.default_rng(0)
    lengths = [total * LONGEST_SHARE]
    while sum(lengths) < total:
        lengths.append(min(random.uniform(2, 90), total - sum(lengths)))
    return lengths


def _write(folder: Path, number: int, seconds: float) -> None:
    """Noise of changing loudness, second by second, so that no file is held in memory."""
    folder.mkdir(exist_ok=True)
    extension, rate, channels = FORMATS[number % len(FORMATS)]
    random = np.random.default_rng(number)
    path = folder / f"{number:03}.{extension}"
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for start in np.arange(0, seconds, 1.0):
            samples = max(1, round(min(1.0, seconds - start) * rate))
            noise = random.standard_normal((samples, channels), np.float32)
            file.write(0.1 * random.uniform() * noise)


def _transcribe(model: Path, folder: Path, threads: int | None) -> tuple[float, float, int]:
    """Wall and processor seconds, and peak resident bytes of the command, its start included."""
    command = [sys.executable, "-m", "audio_rnn", "transcribe", "--model", model, folder / "audio"]
    command += ["--device", "cpu", "--output", folder / "out", "--format", "txt", "json", "srt"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if threads is None:
        del environment["OMP_NUM_THREADS"]
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"audio-rnn transcribe: found status {status}, expected 0")
    wall = time.monotonic() - began
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
