"""Training speed, all counted: our engine against a plain PyTorch loop and SpeechBrain's Brain.

    python -m benchmarks.training                                # AN4's network, random frames
    python -m benchmarks.training --data data/an4 --cell gru
    python -m benchmarks.training --layers 5 --hidden 512 --items 64 --batches 1 --rounds 3
    python -m benchmarks.training --threads 2                    # of the CPU, for every side
    python -m benchmarks.training --corpus sound                 # files, augmentation
    python -m benchmarks.training --device cuda --precision bf16 --layers 5 --hidden 512 --items 64 --workers 12

In a round every side trains on batches of the same corpus, one side after the other: reading, padding,
features, augmentation, both passes, clipping, the optimiser. Ours is the engine as recipes run it, with
averages, history and buckets of like lengths; the others draw batches of as many items at random, as a
DataLoader does. `frames` are MFCC in memory, or those of --data, left as they are; `sound`, the corpus of
a GPU, is FLAC files of noise, or those of --data, whose features and augmentation all sides compute alike
on the device. Each side starts its workers anew in each round, and can make steps before its time counts.
Ratios are taken in every round; the first is
not counted. On one thread of the CPU times are those of the processor, so that other work on the machine
hardly counts; on several, which ours spends as `training.threads` says and the others as torch does, those of
the wall. The share of a GPU's peak counts a multiplication and an addition for each weight of a matrix,
frame of sound and pass, of which backward has two; padding does not count as work. The waits are those
of Python for all that the GPU has to do, as torch notes them in the last round.
"""

from __future__ import annotations

import tempfile
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Literal

import torch
from rich.console import Console
from rich.table import Table

from audio_rnn.augment import AugmentConfig
from audio_rnn.config import from_command_line
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.device import choose_device
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.speech import SpeechModel
from audio_rnn.tasks.recognition import Recognition
from benchmarks._training_corpus import (
    AUGMENT,
    FRAME_UTTERANCES,
    RandomSpeech,
    make_model,
    read_corpus,
    write_sounds,
)
from benchmarks._training_peers import Peer, make_peers
from benchmarks._training_rounds import OURS, Plan, Rounds

BF16_PEAK = 989e12  # operations a second of an H100 or H200, dense


@dataclass(frozen=True)
class Options:
    """What to train, on what."""

    data: Path | None = None  # prepared, as by recipes.speech_recognition.prepare_an4
    cell: Literal["lstm", "gru"] = "lstm"  # both ways
    layers: int = 3
    hidden: int = 256
    corpus: Literal["frames", "sound"] | None = None  # None: sound on a GPU, else frames
    utterances: int = 500  # of sound, without data
    items: int = 14  # of a batch, in the mean
    batches: int | None = None  # of a round; None: 3, on a GPU 40
    warm: int | None = None  # batches before them that are not timed; None: 0, on a GPU 4
    rounds: int = 5
    device: str = "cpu"
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    workers: int = 0  # processes that read ahead, for every side
    threads: int = 1  # of the CPU

    def chosen(self, device: torch.device) -> Options:
        """With all that hangs on the device: rounds of some seconds."""
        gpu = device.type == "cuda"
        corpus = self.corpus or ("sound" if gpu and not self.data else "frames")
        batches = self.batches or (40 if gpu else 3)
        warm = (4 if gpu else 0) if self.warm is None else self.warm
        return replace(self, corpus=corpus, batches=batches, warm=warm)


def main() -> None:
    """Train all sides in alternation, print a table."""
    options = from_command_line(Options, __doc__.partition("\n")[0])
    device = choose_device(options.device)
    options = options.chosen(device)
    torch.manual_seed(0)
    model = make_model(options.cell, options.layers, options.hidden, options.data)
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        training = TrainingConfig(
            epochs=options.rounds + 1, keep="last", precision=options.precision,
            device=options.device, threads=options.threads,
        )  # fmt: skip
        task = Recognition(model, AUGMENT if options.corpus == "sound" else AugmentConfig())
        trainer = Trainer(task, training, Path(folder) / "run")
        dataset = make_dataset(options, model, Path(folder))
        peers = make_peers(Peer(task, training, device))
        rounds = Rounds(dataset, peers, device, plan(options))
        trainer.fit(rounds, None)
    show(options, model, rounds)


def make_dataset(
    options: Options, model: SpeechModel, folder: Path
) -> SpeechDataset | RandomSpeech:
    """What all sides read."""
    if options.data:
        return read_corpus(options.data, model)
    if options.corpus == "sound":
        return write_sounds(folder, model, options.utterances)
    return RandomSpeech(model, FRAME_UTTERANCES)


def plan(options: Options) -> Plan:
    """A round, of options that are chosen."""
    assert options.batches is not None and options.warm is not None
    return Plan(options.items, options.batches, options.warm, options.workers, options.threads)


def show(options: Options, model: SpeechModel, rounds: Rounds) -> None:
    """A row for each side."""
    table = Table("side", "audio s/s", "padding", "waiting for data", "ours is faster by")
    if rounds.device.type == "cuda":
        table.add_column("of bf16 peak")
        table.add_column("waits a step")
    ours = rounds.meters[OURS].speeds
    for name, meter in rounds.meters.items():
        speed = median(meter.speeds)
        ratios = [own / theirs for own, theirs in zip(ours, meter.speeds, strict=True)]
        row = [
            name,
            f"{speed:,.1f}",
            f"{1 - sum(meter.audio) / meter.padded:.1%}",
            f"{sum(meter.waiting[1:]) / sum(meter.seconds[1:]):.1%}",
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        ]
        if rounds.device.type == "cuda":
            row.append(f"{speed * operations(model) / BF16_PEAK:.1%}")
            row.append(f"{meter.waits / meter.steps:.1f}")
        table.add_row(*row)
    console = Console(width=120)
    console.print(
        f"{options.cell} {options.layers} x {options.hidden} both ways, {options.items} items a batch, "
        f"{options.batches} batches of {options.corpus} a round, {options.rounds} rounds, "
        f"{where(rounds.device, options.threads)}, {options.workers} workers, {options.precision}: median (lowest to highest)",
        highlight=False,
    )
    console.print(table)


def where(device: torch.device, threads: int) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {threads} thread{'s' * (threads > 1)}"


def operations(model: SpeechModel) -> float:
    """Additions and multiplications in matrices for one second of sound, both passes."""
    weights = sum(p.numel() for p in model.acoustic.parameters() if p.ndim == 2)
    return 3 * 2 * weights / model.step_seconds


if __name__ == "__main__":
    main()
