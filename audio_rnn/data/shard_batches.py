"""Batches of a corpus in shards, which are read in sequence, once an epoch, by one process each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from typing import Any, Generic

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.data.batching import BatchConfig, Padded, Reader, loaded
from audio_rnn.data.prefetch import ahead
from audio_rnn.data.shard_plan import ShardPlan
from audio_rnn.data.shards import Index, ShardConfig
from audio_rnn.data.tar import Sample, read_samples, read_shard
from audio_rnn.data.tolerant import Tolerant
from audio_rnn.errors import ConfigError, ShardError

log = logging.getLogger(__name__)

STATISTICS = 36_000.0  # seconds of audio that statistics are taken of
MOST_BAD = 0.01  # share of the samples read so far that may be bad, and FEW more
FEW = 10


class ShardBatches(Generic[Padded]):
    """The batches of an index, epoch after epoch; every process reads the shards of its lanes.

    Samples that cannot be used are named in the log and left out; `bad` counts those of this
    process in the last epoch.
    """

    def __init__(
        self,
        index: Index,
        reader: Reader[Padded],
        config: ShardConfig,
        batches: BatchConfig,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """`reader` takes a `Sample`. Raises: ConfigError for more processes than lanes."""
        if world > config.lanes:
            raise ConfigError(
                f"shards.lanes: found {config.lanes} for {world} processes, expected as many or a "
                f"multiple; set --shards.lanes {world}"
            )
        self.index, self.reader, self.config, self.batches = index, reader, config, batches
        self.seed, self.rank, self.world = seed, rank, world
        self.bad = self.read = 0
        self._plan: ShardPlan | None = None

    @property
    def durations(self) -> NDArray[np.float32]:
        """Seconds of each sample."""
        return np.concatenate(self.index.durations)

    def plan(self, epoch: int) -> ShardPlan:
        """Which sample comes when."""
        if self._plan is None or self._plan.epoch != epoch:
            self._plan = ShardPlan(self.index, self.config, self.batches, self.seed, epoch)
        return self._plan

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""
        return self.plan(epoch).steps

    def padding(self, epoch: int) -> float:
        """Share of the padded seconds that is padding."""
        return self.plan(epoch).padding

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Padded]:
        """The batches of an epoch from batch `start` on. Raises: ShardError."""
        plan = self.plan(epoch)
        self.bad = self.read = 0
        totals = (sum(map(len, step)) for whole in plan.rounds(start) for step in whole.steps)
        shares = chain.from_iterable(ahead(self._rounds(plan, start)))
        made = loaded(Tolerant(self.reader), shares, self.batches.workers)
        # What is made comes first, so that its end is asked for, where shards are checked.
        for (batch, problems), total in zip(made, totals):
            self._count(problems, 0 if batch is None else len(batch.ids))
            yield replace(batch or self._weightless, total=total)
        if self.bad:
            log.warning("epoch %d: %d of %d samples left out", epoch, self.bad, self.read)

    def in_order(self) -> Iterator[Padded]:
        """The first hours, the same in all processes: for statistics."""
        plain = ShardConfig(self.config.source, buffer=self.config.buffer)
        batches = ShardBatches(self.index, self.reader, plain, self.batches)
        return islice(batches.epoch(0), int(STATISTICS / self.batches.seconds) + 1)

    def _rounds(self, plan: ShardPlan, start: int) -> Iterator[list[list[Sample]]]:
        """The samples of this process at each step, round by round; read in sequence."""
        mine = range(self.rank, self.config.lanes, self.world)
        lanes: list[Iterator[Sample]] = []
        for whole in plan.rounds(start):
            lanes = lanes or [self._lane(plan.lanes[n], whole.bounds[n][0]) for n in mine]
            sizes = [b - a for a, b in (whole.bounds[n] for n in mine)]
            windows = {n: list(islice(lane, k)) for n, lane, k in zip(mine, lanes, sizes)}
            yield [[windows[n][i] for n in mine for i in step[n]] for step in whole.steps]
        for lane in lanes:
            next(lane, None)  # looks whether the last shard ends where it should

    def _lane(self, shards: list[int], start: int) -> Iterator[Sample]:
        """The samples of shards, one after the other, from sample `start` on."""
        for shard in shards:
            count = len(self.index.durations[shard])
            if start < count:
                yield from islice(read_shard(self.index, shard), start, None)
            start = max(0, start - count)

    @cached_property
    def _weightless(self) -> Any:
        """The first sample of all that can be read, for a step at which there is none."""
        tolerant, name = Tolerant(self.reader), self.index.names[0]
        for sample in read_samples(self.index.source, name):
            batch, _ = tolerant.collate([tolerant[sample]])
            if batch is not None:
                return replace(batch, weights=torch.zeros(1))
        raise ShardError(f"{name}: found no sample that can be read, expected some")

    def _count(self, problems: list[str], good: int) -> None:
        """Name what is bad. Raises: ShardError when it is too much."""
        self.bad += len(problems)
        self.read += len(problems) + good
        for problem in problems:
            log.warning("left out: %s", problem)
        if self.bad > FEW + MOST_BAD * self.read:
            raise ShardError(
                f"{self.bad} of {self.read} samples cannot be used, expected at most {FEW} and "
                f"{MOST_BAD:.0%}; the last: {problems[-1]}"
            )
