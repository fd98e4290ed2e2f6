"""Training speed, all counted: our engine against a plain PyTorch loop and SpeechBrain's Brain.

    python -m benchmarks.training                                # AN4's network, random frames
    python -m benchmarks.training --data data/an4 --cell gru
    python -m benchmarks.training --layers 5 --hidden 512 --items 64 --batches 1 --rounds 3
    python -m benchmarks.training --device cuda --precision bf16 --layers 5 --hidden 512 --items 64 --workers 8

In a round every side trains on batches of the same corpus, one side after the other: reading, padding, features,
both passes, clipping, the optimiser. Ours is the engine as recipes run it, with averages, history and
buckets of like lengths; the others draw batches of as many items at random, as a DataLoader does. All
read the same MFCC frames, which are left as they are. Ratios are taken in every round; the first is
not counted. On the CPU times are those of the processor, so that other work on the machine hardly
counts. The share of a GPU's peak counts a multiplication and an addition for each weight of a matrix,
frame of sound and pass, of which backward has two; padding does not count as work.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

from audio_rnn.augment import AugmentConfig
from audio_rnn.config import from_command_line
from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import Example, SpeechBatch, SpeechDataset, collate
from audio_rnn.device import choose_device
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.tasks.recognition import Recognition
from audio_rnn.vocabulary import Vocabulary
from benchmarks._training_peers import Peer, Round, make_peers
from recipes.speech_recognition.loading import load_split

BF16_PEAK = 989e12  # operations a second of an H100 or H200, dense
FRAMES = 100  # a second
UTTERANCES = 1000  # of noise
OURS = "our engine"


@dataclass(frozen=True)
class Options:
    """What to train, on what."""

    data: Path | None = None  # prepared MFCC, as by recipes.speech_recognition.prepare_an4
    cell: Literal["lstm", "gru"] = "lstm"  # both ways
    layers: int = 3
    hidden: int = 256
    items: int = 14  # of a batch, in the mean
    batches: int = 3  # of a round
    rounds: int = 5
    device: str = "cpu"
    precision: Literal["float32", "bf16"] = "float32"
    workers: int = 0  # processes that read ahead, for every side


def main() -> None:
    """Train all sides in alternation, print a table."""
    options = from_command_line(Options, __doc__.partition("\n")[0])
    torch.manual_seed(0)
    model = make_model(options)
    dataset = make_dataset(options, model)
    device = choose_device(options.device)
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        training = TrainingConfig(
            epochs=options.rounds + 1, keep="last", precision=options.precision,
            device=options.device, threads=1,
        )  # fmt: skip
        trainer = Trainer(Recognition(model, AugmentConfig()), training, Path(folder))
        peers = make_peers(Peer(model, training, device))
        rounds = Rounds(dataset, options, peers, device)
        trainer.fit(rounds, None)
    show(options, model, rounds)


def make_model(options: Options) -> SpeechModel:
    """AN4's network in the size that is asked for."""
    vocabulary = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz'"])
    if options.data:
        vocabulary = Vocabulary.load(options.data / "vocabulary.txt")
    layers = RecurrentConfig(options.cell, options.hidden, options.layers, dropout=0.3)
    features = FeatureConfig(dialect="sphinx", normalization="utterance")
    config = SpeechConfig(features, AcousticConfig(recurrent=layers, dropout=0.3))
    return SpeechModel(config, vocabulary)


def make_dataset(options: Options, model: SpeechModel) -> SpeechDataset | RandomSpeech:
    """A corpus, or noise in its place."""
    if options.data is None:
        return RandomSpeech(UTTERANCES, model.features.n_static, len(model.vocabulary))
    utterances, targets, short = load_split(options.data / "train.jsonl", model)
    fit = [i for i, utterance in enumerate(utterances) if utterance.id not in short]
    rate = model.config.features.sample_rate
    return SpeechDataset(
        options.data, [utterances[i] for i in fit], [targets[i] for i in fit], rate
    )


class RandomSpeech:
    """Utterances of 1 to 5 seconds of noise, ten symbols a second."""

    def __init__(self, count: int, n_static: int, symbols: int) -> None:
        random = np.random.default_rng(0)
        self.durations: NDArray[np.float64] = random.uniform(1, 5, count).round(2)
        self.examples = [
            Example(
                str(i),
                random.standard_normal((round(d * FRAMES), n_static)).astype(np.float32),
                random.integers(1, symbols, round(d * 10)).tolist(),
                d,
            )
            for i, d in enumerate(self.durations)
        ]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Utterances as a padded batch."""
        return collate(examples)


@dataclass
class Meter:
    """What a side's rounds took."""

    audio: list[float] = field(default_factory=list)  # seconds of sound of a round
    seconds: list[float] = field(default_factory=list)  # a round
    waiting: list[float] = field(default_factory=list)  # of them, for the next batch
    padded: float = 0  # seconds of sound of all rounds, padding included

    @property
    def speeds(self) -> list[float]:
        """Seconds of sound a second in each round that counts."""
        return [a / s for a, s in zip(self.audio, self.seconds, strict=True)][1:]

    def watch(self, batches: Iterator[SpeechBatch], device: torch.device) -> Iterator[SpeechBatch]:
        """The batches of one round, from asking for the first to the end of the last one's step."""
        begin, waited, valid = now(device), 0.0, 0
        while True:
            asked = clock(device)
            batch = next(batches, None)
            waited += clock(device) - asked
            if batch is None:
                break
            self.padded += batch.inputs.shape[0] * batch.inputs.shape[1] / FRAMES
            valid += int(batch.lengths.sum())
            yield batch
        self.seconds.append(now(device) - begin)
        self.waiting.append(waited)
        self.audio.append(valid / FRAMES)


def clock(device: torch.device) -> float:
    """Seconds: of the processor where it does the work, else of the wall."""
    return time.process_time() if device.type == "cpu" else time.perf_counter()


def now(device: torch.device) -> float:
    """The same when all work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock(device)


class Rounds:
    """Our training data; at the end of each epoch the peers have their turn."""

    def __init__(
        self,
        dataset: SpeechDataset | RandomSpeech,
        options: Options,
        peers: dict[str, Round],
        device: torch.device,
    ) -> None:
        seconds = options.items * float(dataset.durations.mean()) * 1.04  # some is padding
        self.ours = Batches(dataset, BatchConfig(seconds, options.workers))
        self.theirs: DataLoader[Any] = DataLoader(
            dataset,  # type: ignore[arg-type]
            options.items, shuffle=True,
            collate_fn=dataset.collate, num_workers=options.workers,
            persistent_workers=options.workers > 0, generator=torch.Generator(),
        )  # fmt: skip
        self.peers, self.device, self.batches = peers, device, options.batches
        self.meters = {name: Meter() for name in (OURS, *peers)}

    def steps(self, epoch: int) -> int:
        """Batches of a round."""
        return self.batches

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SpeechBatch]:
        """Batches of ours, then a round of each peer."""
        yield from self._watched(OURS, self.ours.epoch(epoch, start))
        for name, run in self.peers.items():
            run(self._watched(name, iter(self.theirs)))

    def _watched(self, name: str, batches: Iterator[SpeechBatch]) -> Iterator[SpeechBatch]:
        return self.meters[name].watch(islice(batches, self.batches), self.device)


def show(options: Options, model: SpeechModel, rounds: Rounds) -> None:
    """A row for each side."""
    table = Table("side", "audio s/s", "padding", "waiting for data", "ours is faster by")
    if rounds.device.type == "cuda":
        table.add_column("of bf16 peak")
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
        table.add_row(*row)
    console = Console(width=120)
    console.print(
        f"{options.cell} {options.layers} x {options.hidden} both ways, {options.items} items a batch, "
        f"{options.batches} batches a round, {options.rounds} rounds, {where(rounds.device)}, "
        f"{options.precision}: median (lowest to highest)",
        highlight=False,
    )
    console.print(table)


def where(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} thread"


def operations(model: SpeechModel) -> float:
    """Additions and multiplications in matrices for one second of sound, both passes."""
    weights = sum(p.numel() for p in model.acoustic.parameters() if p.ndim == 2)
    return 3 * 2 * weights / model.step_seconds


if __name__ == "__main__":
    main()
