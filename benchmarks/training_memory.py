"""Memory of a long training on the CPU, epoch by epoch, under several settings of glibc's heap.

    python -m benchmarks.training_memory
    python -m benchmarks.training_memory --utterances 200 --epochs 60 --ways "by itself" "given back"

A small AN4 network trains on noise, in batches of ever other lengths, in a process for each way:
as the C library does by itself, giving back after each epoch what is free (as the engine does), with
large blocks mapped and unmapped one by one, and with few compiled layers kept by oneDNN. An
epoch's memory is what the process holds at its end; seconds are those of the processor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig, FrameMaskConfig
from audio_rnn.config import from_command_line
from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechBatch
from audio_rnn.engine import trainer
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.tasks.recognition import Recognition
from benchmarks._training_corpus import RandomSpeech, make_model

GIVEN_BACK = "given back"
WAYS: dict[str, dict[str, str]] = {  # variables of the environment
    "by itself": {},
    GIVEN_BACK: {},
    "mapped from 1 MB": {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)},
    "mapped from 8 MB": {"MALLOC_MMAP_THRESHOLD_": str(1 << 23)},
    "64 layers kept": {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"},
}
CHANGED = "AUDIO_RNN_WAY"  # says to a process which way it is to go


@dataclass(frozen=True)
class Arguments:
    """How much to train."""

    ways: tuple[str, ...] = tuple(WAYS)
    epochs: int = 15
    utterances: int = 100  # of 1 to 5 seconds
    seconds: float = 40.0  # of a batch
    hidden: int = 128
    layers: int = 3


def main() -> None:
    """Train in each way, print a table."""
    arguments = from_command_line(Arguments, "Memory of a long training on the CPU.")
    if CHANGED in os.environ:
        train(arguments, os.environ[CHANGED])
        return
    table = Table("way", *(f"epoch {n}, GB" for n in shown(arguments.epochs)), "most", "s an epoch")
    for way in arguments.ways:
        held, seconds = trained(way)
        first = [f"{held[n - 1]:.2f}" for n in shown(arguments.epochs)]
        table.add_row(way, *first, f"{max(held):.2f}", f"{seconds:.2f}")
        Console(width=120).print(f"{way}: " + " ".join(f"{gb:.2f}" for gb in held), highlight=False)
    Console(width=120).print(table)


def shown(epochs: int) -> list[int]:
    """The epochs of the table's columns."""
    return sorted({1, max(1, epochs // 4), max(1, epochs // 2), epochs})


def trained(way: str) -> tuple[list[float], float]:
    """GB at the end of each epoch, and seconds an epoch, of a process that trains in this way."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    command = [sys.executable, "-m", "benchmarks.training_memory", *sys.argv[1:]]
    told = subprocess.run(
        command, env={**inherited, **WAYS[way], CHANGED: way}, capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    *held, seconds = map(float, told)
    return held, seconds / len(held)


@dataclass
class Watched:
    """Batches; what the process holds is noted before an epoch, and at the end."""

    batches: Batches[SpeechBatch]
    held: list[float] = field(default_factory=list)  # GB

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""
        return self.batches.steps(epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SpeechBatch]:
        """Batches of an epoch."""
        yield from self.batches.epoch(epoch, start)
        self.held.append(resident())


def train(arguments: Arguments, way: str) -> None:
    """Train, and print what each epoch held, and seconds in all."""
    if way != GIVEN_BACK:
        trainer.give_back = lambda: None
    model = make_model("lstm", arguments.layers, arguments.hidden)
    speech = RandomSpeech(model, arguments.utterances)
    batches = Watched(Batches(speech, BatchConfig(arguments.seconds)))
    frames = FrameAugmentConfig(
        warp_probability=0.8, noise_probability=0.3, noise_snr_db=(10, 35), stretch_probability=0.8
    )
    task = Recognition(model, AugmentConfig(frames=frames, masks=FrameMaskConfig(2)))
    training = TrainingConfig(epochs=arguments.epochs, keep="last", device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        trainer.Trainer(task, training, Path(folder)).fit(batches, None)
    print(*batches.held, time.process_time())


def resident() -> float:
    """GB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


if __name__ == "__main__":
    main()
