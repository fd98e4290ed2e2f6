"""Which sample of a corpus in shards comes at which step: told by lengths alone, before any is read.

Shards in random order are dealt to lanes, each of which is read in sequence. All lanes are cut into
the same number of windows, which fit into memory. Of each window, batches are made as of a small
corpus, sorted by length and shuffled; all lanes make the same number, and at a step all of them have
samples of like length, since a recurrent network waits for the longest. A step takes one such batch
of every lane. So each sample comes once an epoch, every process takes as many steps, and what comes
at which step does not depend on how many processes share the lanes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from audio_rnn.data.batching import BatchConfig, group_by_length, jittered_order
from audio_rnn.data.shards import Index, ShardConfig
from audio_rnn.errors import ConfigError

Seconds = NDArray[np.float32]


@dataclass(frozen=True)
class Round:
    """The steps of one window of each lane."""

    bounds: list[tuple[int, int]]  # of each lane's window, in samples from the lane's beginning
    steps: list[list[list[int]]]  # of each step, of each lane: samples from the window's beginning


class ShardPlan:
    """An epoch; 1 and up in random order, 0 in that of the index."""

    def __init__(
        self, index: Index, config: ShardConfig, batches: BatchConfig, seed: int, epoch: int
    ) -> None:
        """`batches` are those over all lanes.

        Raises: ConfigError for more lanes than shards.
        """
        if config.lanes > len(index.names):
            raise ConfigError(
                f"shards.lanes: found {config.lanes}, expected at most {len(index.names)}, since so "
                f"many shards are in {index.path}; make more and smaller shards"
            )
        self.seed, self.epoch = seed, epoch
        self.budget, self.shortest = batches.seconds / config.lanes, batches.shortest
        random = np.random.default_rng([seed, epoch])
        order = random.permutation(len(index.names)) if epoch else np.arange(len(index.names))
        sums = [float(seconds.sum()) for seconds in index.durations]
        self.lanes = deal(order.tolist(), sums, config.lanes)  # shards of each, in order
        self.durations = [np.concatenate([index.durations[i] for i in lane]) for lane in self.lanes]
        longest = max(float(lane.sum(dtype=float)) for lane in self.durations)
        windows = min(int(-(-longest // config.buffer)), *map(len, self.durations))
        self.bounds = [
            np.linspace(0, len(lane), max(1, windows) + 1).astype(int) for lane in self.durations
        ]

    @cached_property
    def counts(self) -> list[int]:
        """Steps of each round."""
        return [len(self.round(n).steps) for n in range(len(self.bounds[0]) - 1)]

    @property
    def steps(self) -> int:
        """Steps of the epoch."""
        return sum(self.counts)

    def rounds(self, start: int) -> Iterator[Round]:
        """All rounds from step `start` of the epoch on."""
        for number, count in enumerate(self.counts):
            if start < count:
                whole = self.round(number)
                yield Round(whole.bounds, whole.steps[start:])
            start = max(0, start - count)

    def round(self, number: int) -> Round:
        """Round `number`, from 0."""
        random = np.random.default_rng([self.seed, self.epoch, number])
        bounds = [(int(lane[number]), int(lane[number + 1])) for lane in self.bounds]
        windows = [lane[a:b] for lane, (a, b) in zip(self.durations, bounds)]
        made = [
            group_by_length(
                jittered_order(window, random, self.epoch),
                np.maximum(window, self.shortest),
                self.budget,
            )
            for window in windows
        ]
        count = max(map(len, made))
        made = [split(batches, window, count) for batches, window in zip(made, windows)]
        order = random.permutation(count) if self.epoch else np.arange(count)
        return Round(bounds, [[batches[i] for batches in made] for i in order])

    @property
    def padding(self) -> float:
        """Share of the padded seconds that is padding, where each lane has a process of its own."""
        padded = 0.0
        for number in range(len(self.counts)):
            whole = self.round(number)
            for step in whole.steps:
                for lane, (a, b), batch in zip(self.durations, whole.bounds, step):
                    padded += len(batch) * float(lane[a:b][batch].max(initial=0))
        return 1 - sum(float(lane.sum(dtype=float)) for lane in self.durations) / padded


def deal(order: list[int], seconds: list[float], lanes: int) -> list[list[int]]:
    """Shards in order, each to the lane that has least so far."""
    dealt: list[list[int]] = [[] for _ in range(lanes)]
    least = [(0.0, lane) for lane in range(lanes)]
    for shard in order:
        sum_, lane = heapq.heappop(least)
        dealt[lane].append(shard)
        heapq.heappush(least, (sum_ + seconds[shard], lane))
    return dealt


def split(batches: list[list[int]], durations: Seconds, count: int) -> list[list[int]]:
    """The same samples in `count` batches: the largest are halved; without enough samples, some
    batches at the end are empty."""
    sizes = [(-len(batch) * float(durations[batch].max()), n) for n, batch in enumerate(batches)]
    heapq.heapify(sizes)
    parts: dict[int, int] = dict.fromkeys(range(len(batches)), 1)
    missing = count - len(batches)
    while missing and sizes:
        size, n = heapq.heappop(sizes)
        if parts[n] < len(batches[n]):
            parts[n] += 1
            missing -= 1
            heapq.heappush(sizes, (size * (parts[n] - 1) / parts[n], n))
    cut = [
        part.tolist() for n, batch in enumerate(batches) for part in np.array_split(batch, parts[n])
    ]
    return cut + [[]] * missing
