"""Many short recordings through `Tagger`: one by one, and in batches; alternately in one process.

    python -m benchmarks.tagging_batches --model runs/sounds --audio data/sounds/audio

The recordings are a folder's clips, whole and cut to a second. Seconds are those of the processor, on
one thread.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from audio_rnn.audio import EXTENSIONS, read_audio, write_audio
from audio_rnn.config import from_command_line
from audio_rnn.files import files_below
from audio_rnn.inference.tagger import Tagger
from benchmarks.long_audio import RATE


@dataclass(frozen=True)
class Arguments:
    """What is heard, and by whom."""

    model: Path = Path("runs/sounds")  # a run folder
    audio: Path = Path("data/sounds/audio")  # a folder with clips
    clips: int = 60  # of these
    rounds: int = 5


def main() -> None:
    """Print how many times as fast batches are."""
    arguments = from_command_line(Arguments, "Short recordings one by one and in batches.")
    torch.set_num_threads(1)
    tagger = Tagger.load(arguments.model, "cpu")
    whole = files_below(arguments.audio, EXTENSIONS)[: arguments.clips]
    with tempfile.TemporaryDirectory() as name:
        for what, files in (("whole", whole), ("cut to 1 s", cut(whole, Path(name)))):
            print(f"{what}: {compared(tagger, files, arguments.rounds)}", flush=True)


def cut(files: Sequence[Path], folder: Path) -> list[Path]:
    """The first second of each."""
    paths = [folder / f"{number}.flac" for number in range(len(files))]
    for path, file in zip(paths, files):
        write_audio(path, read_audio(file, RATE)[:RATE], RATE)
    return paths


def compared(tagger: Tagger, files: Sequence[Path], rounds: int) -> str:
    """The ratio of both ways, its spread, and the time a recording."""
    pairs = [
        (seconds(lambda: [tagger.tag(file) for file in files]),
         seconds(lambda: list(tagger.tag_many(files))))
        for _ in range(rounds)
    ]  # fmt: skip
    ratios = sorted(alone / together for alone, together in pairs)
    alone, together = (1000 * median(side) / len(files) for side in zip(*pairs))
    return (
        f"batches are {median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f}) as fast; "
        f"{alone:.1f} and {together:.1f} ms a recording"
    )


def seconds(work: Callable[[], object]) -> float:
    """Of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
