"""Padded batches of about equal total length, in an order that depends on seed and epoch only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from traceback import clear_frames
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from audio_rnn.config import require
from audio_rnn.data.workers import outlive, started
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError, InputError

HERE = {"lengths", "target_lengths", "timed"}  # stay on the CPU, where they are asked for
BUCKET_NOISE = 0.1  # share by which lengths are jittered before sorting, so that batches vary


@dataclass(frozen=True)
class BatchConfig:
    """How utterances become batches."""

    seconds: float = 100.0  # padded audio a batch, over all processes
    workers: int = 0  # processes that read ahead; 0 reads in the training process
    most: int | None = None  # items a batch, so that short ones make steps enough; None: any number
    least: int = 1  # batches an epoch, which goes through few items (not shards) several times

    def __post_init__(self) -> None:
        if not self.seconds > 0 or self.workers < 0:
            raise ConfigError(
                f"batches: found seconds {self.seconds}, workers {self.workers}; "
                "expected seconds above 0 and workers 0 or more"
            )
        require(self.most is None or self.most >= 1, "batches.most", self.most, "1 or more")
        require(self.least >= 1, "batches.least", self.least, "1 or more")

    @property
    def shortest(self) -> float:
        """Seconds that an item counts as at least."""
        return self.seconds / self.most if self.most else 0.0


@dataclass(frozen=True)
class Batch:
    """A padded batch of sounds, or this process's share of one; each kind adds its targets."""

    ids: list[str]
    inputs: Tensor  # (batch, samples) or (batch, frames, coefficients)
    lengths: Tensor  # (batch,) on the CPU, as whatever is in HERE
    weights: Tensor  # (batch,) 1, or 0 for an item that only keeps this process in step
    total: int  # items of the whole batch, over all processes
    size: float = field(default=0.0, kw_only=True)  # seconds of its items
    unit = "s"

    @property
    def padding(self) -> float:
        """Share of the inputs that is padding."""
        return padding_share(self.lengths, self.inputs.shape[1])

    def to(self, device: torch.device) -> Self:
        """The same batch on another device."""
        moved: dict[str, Any] = {
            f.name: sent(getattr(self, f.name), device)
            for f in fields(self)
            if isinstance(getattr(self, f.name), Tensor) and f.name not in HERE
        }
        return replace(self, **moved)


def padding_share(lengths: Tensor, longest: int) -> float:
    """Share of items of these lengths, (batch,), that is padding up to the longest."""
    return 1 - float(lengths.sum()) / (len(lengths) * longest)


Padded = TypeVar("Padded", bound=Batch, covariant=True)


class Reader(Protocol[Padded]):
    """What reads items and puts them together."""

    def __getitem__(self, index: Any) -> Any:
        """An item, read from its file."""

    def collate(self, examples: list[Any]) -> Padded:
        """Items as a batch of their own, with `weights` and `total`."""


class Items(Reader[Padded], Protocol[Padded]):
    """What batches are made of."""

    @property
    def durations(self) -> NDArray[np.float64]:
        """Seconds of each item."""

    def __len__(self) -> int: ...


class Batches(Generic[Padded]):
    """The batches of a dataset, epoch after epoch; every process gets a share of each batch."""

    def __init__(
        self,
        dataset: Items[Padded],
        config: BatchConfig,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.dataset = dataset
        self.config = config
        self.seed = seed
        self.rank = rank
        self.world = world
        self.durations = dataset.durations
        self._plans: dict[int, list[list[int]]] = {}

    def plan(self, epoch: int) -> list[list[int]]:
        """Dataset indices of each batch of an epoch; epoch 0 is all of it once, in plain order of
        length."""
        if epoch not in self._plans:
            first = (epoch - 1) * self._rounds + 1
            numbers = range(first, first + self._rounds) if epoch else [0]
            self._plans = {epoch: [batch for number in numbers for batch in self._once(number)]}
        return self._plans[epoch]

    @cached_property
    def _rounds(self) -> int:
        """Times that an epoch goes through all items."""
        return math.ceil(self.config.least / max(1, len(self._once(0))))

    def _once(self, number: int) -> list[list[int]]:
        config = self.config
        return make_plan(self.durations, config.seconds, self.seed, number, config.shortest)

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""
        return len(self.plan(epoch))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Padded]:
        """The batches of an epoch from batch `start` on."""
        plan = self.plan(epoch)[start:]
        shares = [batch[self.rank :: self.world] or batch[:1] for batch in plan]
        for batch, whole in zip(loaded(self.dataset, shares, self.config.workers), plan):
            idle = self.rank >= len(whole)
            weights = batch.weights * (0 if idle else 1)
            yield replace(batch, total=len(whole), weights=weights)

    def in_order(self) -> Iterator[Padded]:
        """Everything once, the same in all processes: for statistics."""
        return Batches(self.dataset, self.config).epoch(0)

    def padding(self, epoch: int) -> float:
        """Share of the padded seconds that is padding."""
        plan = [self.durations[batch] for batch in self.plan(epoch)]
        padded = sum(len(seconds) * seconds.max() for seconds in plan)
        return 1 - float(sum(map(np.sum, plan)) / padded)


def loaded(dataset: Reader[Any], shares: Iterable[list[Any]], workers: int) -> Iterator[Any]:
    """What `dataset.collate` makes of the items of each share. Raises: InputError."""
    loader: DataLoader[Any] = DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=shares,
        collate_fn=dataset.collate,
        num_workers=workers,
        worker_init_fn=outlive,
        generator=torch.Generator(),  # else the loader would draw from the global one
    )
    try:
        yield from started(loader)
    except InputError as error:
        clear_frames(error.__traceback__)  # lets go of the worker processes
        raise _without_traceback(error) from None


def make_plan(
    durations: np.ndarray, seconds: float, seed: int, epoch: int, shortest: float = 0.0
) -> list[list[int]]:
    """Indices of each batch of an epoch, in whatever unit `durations` and `seconds` have; an item
    counts as `shortest` at least."""
    random = np.random.default_rng([seed, epoch])
    order = jittered_order(durations, random, epoch)
    batches = group_by_length(order, np.maximum(durations, shortest), seconds)
    if epoch > 0:
        random.shuffle(batches)
    return batches


def jittered_order(durations: np.ndarray, random: np.random.Generator, epoch: int) -> list[int]:
    """Indices by length, shorter ones first: about, but in epoch 0."""
    jitter = 1 + BUCKET_NOISE * random.uniform(-0.5, 0.5, len(durations)) * (epoch > 0)
    return np.argsort(durations * jitter, kind="stable").tolist()


def group_by_length(order: Sequence[int], durations: np.ndarray, seconds: float) -> list[list[int]]:
    """Cut an order into batches whose size times longest duration stays within `seconds`."""
    batches: list[list[int]] = []
    longest = 0.0
    for index in order:
        longest = max(longest, durations[index])
        if batches and (len(batches[-1]) + 1) * longest <= seconds:
            batches[-1].append(index)
        else:
            batches.append([index])
            longest = float(durations[index])
    return batches


def _without_traceback(error: InputError) -> InputError:
    """The error itself: the loader puts the traceback of a worker process into its message."""
    name = f"{type(error).__module__}.{type(error).__qualname__}: "
    return type(error)(str(error).rpartition(name)[2].strip())
