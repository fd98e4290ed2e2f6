"""Clips of a manifest and what is heard in them: of the whole clip, or when."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio_rnn.audio import read_excerpt
from audio_rnn.classes import Classes
from audio_rnn.data.batching import Batch
from audio_rnn.data.inputs import pad_inputs, read_inputs
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.unchanged import Unchanged
from audio_rnn.errors import ManifestError, VocabularyError
from audio_rnn.events import Event, merged

log = logging.getLogger(__name__)

KEPT = 1 << 29  # bytes of sound that stay in memory: a small corpus is decoded once


@dataclass(frozen=True)
class Clip:
    """A recording, or a part of a long one, and what is heard in it."""

    utterance: Utterance
    start: float = 0.0  # seconds into the recording
    duration: float | None = None  # seconds; None for the whole recording

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.utterance.duration if self.duration is None else self.duration

    @property
    def events(self) -> list[Event]:
        """Those inside, as times in the clip; those of one class that overlap are one."""
        end = self.start + self.seconds
        inside = [
            Event(max(e.onset - self.start, 0.0), min(e.offset, end) - self.start, e.label)
            for e in self.utterance.events or ()
            if e.onset < end and e.offset > self.start
        ]
        return merged(inside)

    @property
    def labels(self) -> tuple[str, ...]:
        """What is heard in it: of a part of a recording with tags alone, all of the tags."""
        if self.utterance.events is not None and self.duration is not None:
            return tuple({event.label for event in self.events})
        return self.utterance.labels or ()


@dataclass(frozen=True)
class ClipExample:
    """A clip, read."""

    clip: Clip
    inputs: NDArray[np.float32]  # (samples,) or (frames, coefficients)
    tags: NDArray[np.float32]  # (classes,) 1 for what is heard, else 0
    events: NDArray[np.float32]  # (events, 3): class, onset, offset


@dataclass(frozen=True)
class ClipBatch(Batch):
    """Clips and what is heard in them."""

    seconds: Tensor  # (batch,)
    tags: Tensor  # (batch, classes) 1 for what is heard, else 0
    events: Tensor  # (events, 4): item, class, onset, offset
    timed: Tensor  # (batch,) whether the events are known


class ClipDataset:
    """Reads clips on demand, and keeps as many as there is room for."""

    def __init__(
        self, folder: Path, clips: Sequence[Clip], classes: Classes, sample_rate: int
    ) -> None:
        self.folder, self.clips, self.classes = folder, clips, classes
        self.sample_rate = sample_rate
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._room = KEPT
        self._unchanged = Unchanged(len(clips))

    @property
    def durations(self) -> NDArray[np.float64]:
        """Seconds of each clip."""
        return np.array([clip.seconds for clip in self.clips])

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> ClipExample:
        return example_of(self.clips[index], self._inputs(index), self.classes)

    def _inputs(self, index: int) -> NDArray[np.float32]:
        if index in self._kept:
            return self._kept[index]
        clip = self.clips[index]
        inputs = self._read(clip)
        self._unchanged.check(index, self.folder / clip.utterance.source, inputs)
        if inputs.nbytes <= self._room:
            self._kept[index], self._room = inputs, self._room - inputs.nbytes
        return inputs

    def _read(self, clip: Clip) -> NDArray[np.float32]:
        if clip.duration is None:
            return read_inputs(self.folder, clip.utterance, self.sample_rate)
        path = self.folder / clip.utterance.source
        return read_excerpt(path, self.sample_rate, clip.start, clip.duration)

    def collate(self, examples: list[ClipExample]) -> ClipBatch:
        """Clips as a padded batch. Raises: ManifestError for inputs of several kinds."""
        return collate(examples)


def example_of(clip: Clip, inputs: NDArray[np.float32], classes: Classes) -> ClipExample:
    """A clip that was read. Raises: VocabularyError for an unknown class."""
    tags = np.zeros(len(classes), np.float32)
    tags[[classes.index(label) for label in clip.labels]] = 1
    rows = [(classes.index(e.label), e.onset, e.offset) for e in clip.events]
    return ClipExample(clip, inputs, tags, np.array(rows, np.float32).reshape(-1, 3))


def collate(examples: list[ClipExample]) -> ClipBatch:
    """Clips as a padded batch. Raises: ManifestError for inputs of several kinds."""
    ids = [_name(example.clip) for example in examples]
    inputs, lengths = pad_inputs(dict(zip(ids, (example.inputs for example in examples))))
    counts = torch.tensor([len(example.events) for example in examples])
    items = torch.arange(len(examples)).repeat_interleave(counts).unsqueeze(1)
    events = torch.from_numpy(np.concatenate([example.events for example in examples]))
    return ClipBatch(
        ids=ids,
        inputs=inputs,
        lengths=lengths,
        weights=torch.ones(len(ids)),
        total=len(ids),
        seconds=torch.tensor([example.clip.seconds for example in examples]),
        tags=torch.from_numpy(np.stack([example.tags for example in examples])),
        events=torch.cat([items, events], 1),
        size=sum(example.clip.seconds for example in examples),
        timed=torch.tensor([e.clip.utterance.events is not None for e in examples]),
    )


def cut(utterances: Sequence[Utterance], longest: float) -> list[Clip]:
    """Each recording as a clip; one with audio of more than `longest` seconds in equal parts."""
    clips = [clip for utterance in utterances for clip in _parts(utterance, longest)]
    untimed = [u.id for u in utterances if u.duration > longest and u.audio and u.events is None]
    if untimed:
        log.warning(
            "%d recordings are longer than %g s and cut into parts, each with all tags of the "
            "whole: %s",
            len(untimed), longest, ", ".join(untimed[:5]),
        )  # fmt: skip
    return clips


def _parts(utterance: Utterance, longest: float) -> Iterator[Clip]:
    if utterance.duration <= longest or utterance.features:
        yield Clip(utterance)
        return
    count = int(np.ceil(utterance.duration / longest))
    size = utterance.duration / count
    yield from (Clip(utterance, n * size, size) for n in range(count))


def check_clips(utterances: Sequence[Utterance], classes: Classes, path: Path) -> None:
    """Raises: ManifestError for one of which nothing is said, or an unknown class."""
    for utterance in utterances:
        if utterance.labels is None:
            raise ManifestError(
                f"{path}: {utterance.id!r} has neither tags nor events, expected one of them; "
                "an empty list says that nothing is heard"
            )
        named = {*utterance.labels, *(event.label for event in utterance.events or ())}
        try:
            for label in sorted(named):
                classes.index(label)
        except VocabularyError as error:
            raise ManifestError(f"{path}: {utterance.id!r}: {error}") from None


def without_events(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The same with tags alone, as weak labels."""
    return [replace(u, tags=u.labels, events=None) for u in utterances]


def _name(clip: Clip) -> str:
    return clip.utterance.id if clip.duration is None else f"{clip.utterance.id}@{clip.start:g}s"
