"""Many files through one model: short ones in padded batches, long ones piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.audio import Source, source_name
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.features import Features
from audio_rnn.inference.failure import Failure
from audio_rnn.inference.reading import Reading, SoundMeter

BATCH_SECONDS = {"cpu": 60.0, "cuda": 1200.0}
BATCHES_AHEAD = 4  # as much is read before it is sorted by length


@dataclass(frozen=True, eq=False)
class Recording:
    """A file as the model meets it."""

    name: str
    frames: Tensor  # static features (frames, n_static)
    meter: SoundMeter


class Outcome(Protocol):
    """What a model says of a recording."""

    @property
    def duration(self) -> float:
        """Seconds of the recording."""


T = TypeVar("T", bound=Outcome)


class Batched(Generic[T]):
    """Reads files ahead, so that those of like length can share a batch."""

    def __init__(
        self,
        features: Features,
        together: Callable[[list[Recording]], list[T]],
        sweep: Callable[[Reading, Iterable[Tensor]], T],
        batch_seconds: float | None = None,
        channel: int | None = None,
    ) -> None:
        """`together` takes a batch, `sweep` the static frames of a file longer than a batch.

        `batch_seconds` is the audio of a batch, padding included; when None, what suits the
        device. `channel` is the one to hear, all mixed when None.

        Raises: ConfigError.
        """
        if batch_seconds is None:
            batch_seconds = BATCH_SECONDS[next(features.buffers()).device.type]
        if not 0 < batch_seconds < float("inf"):
            raise ConfigError(f"batch_seconds: found {batch_seconds}, expected a number above 0")
        self.features, self.channel = features, channel
        self.batch_seconds = batch_seconds
        self.together, self.sweep = together, sweep

    def one(self, path: Source) -> T:
        """What the model says of a file. Raises AudioError, StorageError."""
        read = self._read(path)
        return self.together([read])[0] if isinstance(read, Recording) else read

    def many(self, paths: Iterable[Source]) -> Iterator[T | Failure]:
        """The same for every file, in the order given; one that cannot be used is a `Failure`.

        Raises: InputError for a single name, which would be taken letter by letter.
        """
        if isinstance(paths, str):
            raise InputError(f"paths: found {paths!r}, expected several files, as in [{paths!r}]")
        for window in self._windows(paths):
            recordings = [item for item in window if isinstance(item, Recording)]
            results: dict[Recording, T | Failure] = {}
            for batch in batches(recordings, self._frame_budget):
                results.update(zip(batch, self._attempt(batch)))
            for item in window:
                yield results[item] if isinstance(item, Recording) else item

    @property
    def _frame_budget(self) -> float:
        return self.batch_seconds / self.features.hop_seconds

    def _windows(self, paths: Iterable[Source]) -> Iterator[list[Recording | T | Failure]]:
        """Read ahead by some batches."""
        window: list[Recording | T | Failure] = []
        for path in paths:
            window.append(self._try_to_read(path))
            if sum(map(_seconds, window)) >= BATCHES_AHEAD * self.batch_seconds:
                yield window
                window = []
        yield window

    def _try_to_read(self, path: Source) -> Recording | T | Failure:
        name = source_name(path)
        try:
            return self._read(path)
        except (InputError, OSError) as error:
            return Failure(name, str(error).removeprefix(f"{name}: "))

    def _read(self, path: Source) -> Recording | T:
        """The frames of a file, or what is said of one that is longer than a batch."""
        reading = Reading(self.features, path, self.channel)
        pieces, held = iter(reading), []
        while (piece := next(pieces, None)) is not None:
            held.append(piece)
            if sum(map(len, held)) > self._frame_budget:
                return self.sweep(reading, chain(held, pieces))
        return Recording(source_name(path), torch.cat(held), reading.meter)

    def _attempt(self, batch: list[Recording]) -> list[T | Failure]:
        """A batch that does not fit into the GPU is tried in halves."""
        try:
            return [*self.together(batch)]
        except torch.OutOfMemoryError:
            pass  # outside the handler the failed tensors can be freed
        if len(batch) > 1:
            half = len(batch) // 2
            return self._attempt(batch[:half]) + self._attempt(batch[half:])
        return [
            Failure(
                batch[0].name,
                f"found {batch[0].meter.duration:.0f} s, more than fits into the memory of the GPU; "
                "use the CPU or cut the file",
            )
        ]


def _seconds(item: Recording | Outcome | Failure) -> float:
    """Of audio that waits; what is done counts, since it should not wait for others."""
    if isinstance(item, Failure):
        return 0.0
    return item.meter.duration if isinstance(item, Recording) else item.duration


def padded(batch: list[Recording]) -> tuple[Tensor, Tensor]:
    """Static frames (batch, frames, n_static) and their lengths (batch,)."""
    frames = pad_sequence([recording.frames for recording in batch], batch_first=True)
    lengths = torch.tensor([len(recording.frames) for recording in batch])
    return frames, lengths


def batches(recordings: list[Recording], budget: float) -> Iterator[list[Recording]]:
    """Recordings of like length together: at most `budget` frames with padding, or just one."""
    batch: list[Recording] = []
    for recording in sorted(recordings, key=lambda r: len(r.frames), reverse=True):
        if batch and len(batch[0].frames) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(recording)
    if batch:
        yield batch
