"""Rounds of a comparison of trainings: what each side took, one side after the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, RandomSampler

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechBatch, SpeechDataset
from benchmarks._training_corpus import RandomSpeech
from benchmarks._training_peers import Round

OURS = "our engine"


@dataclass(frozen=True)
class Plan:
    """What a side does in a round."""

    items: int  # of a batch, in the mean
    batches: int
    warm: int  # more batches before them, while workers start and fill their queue
    workers: int  # processes that read ahead; every side starts its own anew
    threads: int = 1  # of the CPU

    @property
    def steps(self) -> int:
        """Batches of a round, with those that are not timed."""
        return self.warm + self.batches


@dataclass
class Meter:
    """What a side's rounds took."""

    clock: Callable[[], float]
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

    def watch(
        self, batches: Iterator[SpeechBatch], device: torch.device, warm: int
    ) -> Iterator[SpeechBatch]:
        """The batches of one round; timed from asking for the one after `warm` others to the end
        of the last one's step."""
        yield from islice(batches, warm)
        begin, waited, sound, steps = self._now(device), 0.0, 0.0, 0
        with synchronising(device) as waits:
            while True:
                asked = self.clock()
                batch = next(batches, None)
                waited += self.clock() - asked
                if batch is None:
                    break
                self.padded += batch.size / (1 - batch.padding)
                sound, steps = sound + batch.size, steps + 1
                yield batch
        self.steps, self.waits = steps, len(waits)
        self.seconds.append(self._now(device) - begin)
        self.waiting.append(waited)
        self.audio.append(sound)

    def _now(self, device: torch.device) -> float:
        """When all work is done."""
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return self.clock()


def clock(device: torch.device, threads: int) -> Callable[[], float]:
    """Seconds: of the processor where one thread does the work, else of the wall."""
    alone = device.type == "cpu" and threads == 1
    return time.process_time if alone else time.perf_counter


@contextmanager
def sharing_products(threads: int) -> Iterator[None]:
    """Within: torch computes as it does where nobody says otherwise, with all threads on each product."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
        plan: Plan,
    ) -> None:
        """A small dataset is gone through as often as a round takes."""
        seconds = plan.items * float(dataset.durations.mean()) * 1.04  # some is padding
        self.ours = Batches(dataset, BatchConfig(seconds, plan.workers, least=plan.steps))
        draws = RandomSampler(
            dataset, num_samples=plan.items * plan.steps, generator=torch.Generator()
        )
        self.theirs: DataLoader[Any] = DataLoader(
            dataset,  # type: ignore[arg-type]
            plan.items, sampler=draws, collate_fn=dataset.collate,
            num_workers=plan.workers, generator=torch.Generator(),
        )  # fmt: skip
        self.peers, self.device, self.plan = peers, device, plan
        seconds_of = clock(device, plan.threads)
        self.meters = {name: Meter(seconds_of) for name in (OURS, *peers)}

    def steps(self, epoch: int) -> int:
        """Batches of a round."""
        return self.plan.steps

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SpeechBatch]:
        """Batches of ours, then a round of each peer."""
        yield from self._watched(OURS, self.ours.epoch(epoch, start))
        for name, run in self.peers.items():
            with sharing_products(self.plan.threads):
                run(self._watched(name, (batch for batch in self.theirs)))  # workers start within

    def _watched(self, name: str, batches: Iterator[SpeechBatch]) -> Iterator[SpeechBatch]:
        whole = islice(batches, self.plan.steps)
        return self.meters[name].watch(whole, self.device, self.plan.warm)
