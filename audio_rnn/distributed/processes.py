"""Several processes, as `torchrun` starts them: who I am, and what all of us agree on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from audio_rnn.device import choose_device
from audio_rnn.distributed.rendezvous import meeting_place
from audio_rnn.distributed.sums import sharing
from audio_rnn.errors import InputError, TrainingError

ENDED, FAILED = 1, 2  # what a process may find in place of its next item
# How long one waits for another; the first validates alone, and may take hours. A loss is known sooner: a
# process that dies closes its connections, and what is sent to a machine that is gone fails in a quarter of
# an hour. Only the first's, gone while it validates, is missed no sooner, since nobody sends anything then.
LIMIT = timedelta(days=1)

Value = TypeVar("Value")
Losses = Callable[[Any], dict[str, Tensor]]  # batch -> named losses, each (items,)


@dataclass(frozen=True)
class Process:
    """This process among all of a training."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0


def started() -> int:
    """How many processes `torchrun` says that it has started, or 1."""
    return int(os.environ.get("WORLD_SIZE", 1))


def start(device: str) -> Process:
    """Join the group that `torchrun` describes in the environment, or be alone.

    Raises: ConfigError for a device that is not there, TrainingError when the group cannot be joined.
    """
    world, rank = started(), int(os.environ.get("RANK", 0))
    chosen = choose_device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if world > 1 and not dist.is_initialized():
        # What the processes tell each other lies on the CPU: a GPU would have to be waited for.
        backend = "cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo"
        try:
            place = meeting_place()
            dist.init_process_group(
                backend, store=place, rank=rank, world_size=world, timeout=LIMIT
            )
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"{world} processes do not find each other: {_said(error)}; start them by torchrun, "
                "and let GLOO_SOCKET_IFNAME, if it is set, name a network that leads to all machines"
            ) from error
    return Process(rank, world, chosen)


@contextmanager
def unbroken() -> Iterator[None]:
    """Within: a group that loses a process says so. Raises: TrainingError."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise  # gloo's errors have no kind of their own
        raise TrainingError(
            "another process of this training is lost; torchrun starts all of them again, as often "
            f"as --max-restarts allows; then run the same command again to go on ({_said(error)})"
        ) from error


def _said(error: Exception) -> str:
    """An error of torch in one line, without the frames that may follow it."""
    return " ".join(str(error).partition("Exception raised from")[0].split())


def stop() -> None:
    """Leave the group."""
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def leaving_group() -> Iterator[None]:
    """Within, or in the function that this decorates: the group is left however it ends."""
    try:
        yield
    finally:
        stop()


def sharing_gradients(losses: Losses, model: nn.Module, process: Process) -> Losses:
    """`losses`, a function of batches; several processes get the mean of the gradients of all."""
    if process.world == 1:
        return losses
    ids = [process.device.index] if process.device.type == "cuda" else None
    return DistributedDataParallel(_Forward(losses, model), device_ids=ids)


def together(
    items: Iterator[Value], process: Process, before_error: Callable[[], None]
) -> Iterator[Value]:
    """The same items, as long as all processes have one; where one cannot read its next, all stop.

    Raises: InputError, its own or, in the other processes, TrainingError; after `before_error`.
    """
    while True:
        item, problem = None, None
        try:
            item = next(items, None)
        except InputError as error:
            problem = error
        found = highest(FAILED if problem else ENDED if item is None else 0, process)
        if found == FAILED:
            before_error()
            raise problem or TrainingError("another process cannot read its data")
        if item is None or found == ENDED:
            return
        yield item


def highest(value: int, process: Process) -> int:
    """The highest value of all processes."""
    if process.world == 1:
        return value
    shared = torch.tensor(value)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return int(shared)


def total(x: Tensor, process: Process) -> Tensor:
    """The sum of all processes' x, on the device where it is."""
    if process.world > 1:
        dist.all_reduce(x)
    return x


def agreed(value: Value, what: str, process: Process) -> Value:
    """A value that must be the same in all processes, which would wait for each other forever or learn
    by different data.

    Raises: TrainingError.
    """
    with unbroken():
        values = from_all(value, process)
    if len(set(values)) > 1:
        raise TrainingError(
            f"found {', '.join(map(str, values))} {what} in the processes, expected the same in all; "
            "give every machine the same data and config"
        )
    return value


def from_first(value: Value, process: Process) -> Value:
    """The first process's value, everywhere."""
    if process.world == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def from_all(value: Any, process: Process) -> list[Any]:
    """The value of each process, in order of rank."""
    if process.world == 1:
        return [value]
    box = [None] * process.world
    dist.all_gather_object(box, value)
    return box


class _Forward(nn.Module):
    """A module whose forward pass is a function of a model, since DDP hooks into forward passes."""

    def __init__(self, losses: Losses, model: nn.Module) -> None:
        super().__init__()
        self.losses, self.model = losses, model

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Named losses, each (items,)."""
        with sharing(batch.weights.any()):
            return self.losses(batch)
