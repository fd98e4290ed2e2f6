"""Utterances of a manifest and what is said in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio_rnn.data.batching import Batch
from audio_rnn.data.inputs import pad, pad_inputs, read_inputs
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.unchanged import Unchanged


@dataclass(frozen=True)
class Example:
    """A waveform (samples,) or static frames (frames, coefficients), and their target."""

    id: str
    inputs: NDArray[np.float32]
    target: list[int]
    seconds: float = 0.0  # how long it is, where that is known


@dataclass(frozen=True)
class SpeechBatch(Batch):
    """Utterances and the ids of their symbols."""

    targets: Tensor  # (batch, symbols)
    target_lengths: Tensor  # (batch,)


class SpeechDataset:
    """Reads utterances on demand; `targets` are their symbol ids."""

    def __init__(
        self, folder: Path, utterances: list[Utterance], targets: list[list[int]], sample_rate: int
    ) -> None:
        self.folder = folder
        self.utterances = utterances
        self.targets = targets
        self.sample_rate = sample_rate
        self._unchanged = Unchanged(len(utterances))

    @property
    def durations(self) -> NDArray[np.float64]:
        """Seconds of each utterance."""
        return np.array([utterance.duration for utterance in self.utterances])

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Example:
        utterance = self.utterances[index]
        inputs = read_inputs(self.folder, utterance, self.sample_rate)
        self._unchanged.check(index, self.folder / utterance.source, inputs)
        return Example(utterance.id, inputs, self.targets[index], utterance.duration)

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Utterances as a padded batch. Raises: ManifestError."""
        return collate(examples)


def collate(examples: list[Example]) -> SpeechBatch:
    """Pad inputs and targets with zeros. Raises: ManifestError for inputs of several kinds."""
    ids = [example.id for example in examples]
    inputs, lengths = pad_inputs({example.id: example.inputs for example in examples})
    targets, counts = pad([torch.tensor(e.target, dtype=torch.long) for e in examples])
    weights, seconds = torch.ones(len(ids)), sum(example.seconds for example in examples)
    return SpeechBatch(ids, inputs, lengths, weights, len(ids), targets, counts, size=seconds)
