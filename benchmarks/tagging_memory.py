"""Long recordings through `audio-rnn tag` and `detect`: peak memory and speed.

    python -m benchmarks.tagging_memory --model runs/soundscapes --audio data/esc10/audio
    python -m benchmarks.tagging_memory --model runs/soundscapes --audio data/esc10/audio --hours 1 10

The recordings are made of a folder's clips at random places in noise, block by block, as FLAC in a
temporary folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_rnn.audio import EXTENSIONS, read_audio
from audio_rnn.config import from_command_line
from audio_rnn.files import files_below
from benchmarks.long_audio import RATE, watched, write

LONGEST_PAUSE = 60.0  # seconds
NOISE = 1e-3  # of full scale


@dataclass(frozen=True)
class Arguments:
    """What is heard, and by whom."""

    model: Path = Path("runs/sounds")  # a run folder
    audio: Path = Path("data/sounds/audio")  # a folder with clips
    hours: tuple[float, ...] = (1.0,)  # of each recording


def main() -> None:
    """Make each recording, tag it and search it."""
    arguments = from_command_line(Arguments, "Long recordings: peak memory and speed.")
    with tempfile.TemporaryDirectory() as name:
        for hours in arguments.hours:
            path = Path(name) / f"{hours:g}h.flac"
            write(path, scene(files_below(arguments.audio, EXTENSIONS)), hours * 3600)
            for command in (["tag", "--window", "10"], ["detect"]):
                wall, peak = watched(heard(command, arguments.model, path))
                outcome = json.loads(path.with_suffix(".json").read_text())
                found = len(outcome["windows"] if "windows" in outcome else outcome["events"])
                print(
                    f"{command[0]}, {hours:g} h: peak memory {peak / 1e9:.3f} GB, {wall:.0f} s, "
                    f"start included: {hours * 3600 / wall:.0f} x real time; {found} found",
                    flush=True,
                )
            path.unlink()


def scene(files: list[Path]) -> Iterator[np.ndarray]:
    """Clips (samples,) in any order without end, pauses between them, noise everywhere."""
    random = np.random.default_rng(0)
    while True:
        clip = read_audio(files[random.integers(len(files))], RATE)
        pause = np.zeros(round(random.uniform(0, LONGEST_PAUSE) * RATE), np.float32)
        piece = np.concatenate([pause, clip])
        yield piece + NOISE * random.standard_normal(len(piece), np.float32)


def heard(command: list[str], model: Path, path: Path) -> list[str]:
    """What a user types; NAME.json lies beside the file afterwards."""
    options = ["--model", str(model), "--device", "cpu", "--format", "json", "--overwrite"]
    files = [str(path), "--output", str(path.parent)]
    return [sys.executable, "-m", "audio_rnn", command[0], *files, *command[1:], *options]


if __name__ == "__main__":
    main()
