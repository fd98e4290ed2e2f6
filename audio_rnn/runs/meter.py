"""How training goes on this machine: speed, padding, waiting and memory, a line now and then.

The history is the same wherever and however often a run was interrupted; these figures are not.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Protocol, TypeVar

import torch

from audio_rnn.distributed.processes import Process

INTERVAL = 10.0  # seconds of training that a line sums up


class Measurable(Protocol):
    """A batch, as far as it is measured."""

    @property
    def size(self) -> float:
        """What its items add up to without padding, in `unit`."""

    @property
    def unit(self) -> str:
        """Such as "s" for seconds of sound."""

    @property
    def padding(self) -> float:
        """Share of it that is padding, below 1."""


Batch = TypeVar("Batch", bound=Measurable)


class Meter:
    """Sums up batches, and the time from asking for one to asking for the next."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.begin()

    def begin(self) -> None:
        """Begin an interval."""
        self.size, self.padded, self.unit = 0.0, 0.0, ""
        self.seconds, self.waiting = 0.0, 0.0

    def measured(self, batches: Iterator[Batch]) -> Generator[Batch, None, None]:
        """The same batches."""
        asked = time.monotonic()
        for batch in batches:
            waited = time.monotonic() - asked
            yield batch
            now = time.monotonic()
            self.seconds, self.waiting = self.seconds + now - asked, self.waiting + waited
            asked = now
            self.size, self.unit = self.size + batch.size, batch.unit
            self.padded += batch.size / (1 - batch.padding)

    @property
    def due(self) -> bool:
        """Whether it is time for a line."""
        return self.seconds >= INTERVAL and self.padded > 0

    def line(self, entry: Mapping[str, float]) -> str:
        """All about the interval that ends here; `entry` is that of its last step.

        Of several processes each is taken to do as much as this one.
        """
        speed = self.size * self.process.world / self.seconds
        told = (
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}  epoch {entry['epoch']}  step {entry['step']}  "
            f"loss {entry['mean_loss']:.4f}  gradient {entry['grad_norm']:.3g}  "
            f"rate {entry['rate']:.2e}  {speed:,.0f} {self.unit}/s  "
            f"padding {1 - self.size / self.padded:.1%}  waiting {self.waiting / self.seconds:.1%}  "
            f"memory {_memory(self.process.device) / 1e9:.2f} GB"
        )
        self.begin()
        return told


def _memory(device: torch.device) -> int:
    """The most bytes so far: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
