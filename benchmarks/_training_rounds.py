"""Rounds of a comparison of trainings: what each side took, one side after the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechBatch, SpeechDataset
from benchmarks._training_corpus import FRAMES, RandomSpeech
from benchmarks._training_peers import Round

OURS = "our engine"


@dataclass
class Meter:
    """What a side's rounds took."""

    audio: list[float] = field(default_factory=list)  # seconds of sound of a round
    seconds: list[float] = field(default_factory=list)  # a round
    waiting: list[float] = field(default_factory=list)  # of them, for the next batch
    padded: float = 0  # seconds of sound of all rounds, padding included
    steps: int = 0  # of the last round
    waits: int = 0  # of them, for the GPU

    @property
    def speeds(self) -> list[float]:
        """Seconds of sound a second in each round that counts."""
        return [a / s for a, s in zip(self.audio, self.seconds, strict=True)][1:]

    def watch(self, batches: Iterator[SpeechBatch], device: torch.device) -> Iterator[SpeechBatch]:
        """The batches of one round, from asking for the first to the end of the last one's step."""
        begin, waited, valid, steps = now(device), 0.0, 0, 0
        with synchronising(device) as waits:
            while True:
                asked = clock(device)
                batch = next(batches, None)
                waited += clock(device) - asked
                if batch is None:
                    break
                self.padded += batch.inputs.shape[0] * batch.inputs.shape[1] / FRAMES
                valid, steps = valid + int(batch.lengths.sum()), steps + 1
                yield batch
        self.steps, self.waits = steps, len(waits)
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


@contextmanager
def synchronising(device: torch.device) -> Iterator[list[str]]:
    """Within: torch notes what makes Python wait for all that a GPU has to do."""
    found: list[str] = []
    if device.type == "cpu":
        yield found
        return
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield found
    finally:
        torch.cuda.set_sync_debug_mode("default")
        found += [str(w.message) for w in told if "synchronizing" in str(w.message)]


class Rounds:
    """Our training data; at the end of each epoch the peers have their turn."""

    def __init__(
        self,
        dataset: SpeechDataset | RandomSpeech,
        peers: dict[str, Round],
        device: torch.device,
        items: int,
        batches: int,
        workers: int,
    ) -> None:
        """A round has so many batches of about so many items, which `workers` processes read."""
        seconds = items * float(dataset.durations.mean()) * 1.04  # some is padding
        self.ours = Batches(dataset, BatchConfig(seconds, workers))
        self.theirs: DataLoader[Any] = DataLoader(
            dataset,  # type: ignore[arg-type]
            items, shuffle=True,
            collate_fn=dataset.collate, num_workers=workers,
            persistent_workers=workers > 0, generator=torch.Generator(),
        )  # fmt: skip
        self.peers, self.device, self.batches = peers, device, batches
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
