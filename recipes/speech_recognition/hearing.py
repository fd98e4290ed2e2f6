"""A recogniser's answers to recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import Example, SpeechBatch, collate
from audio_rnn.data.inputs import read_source
from audio_rnn.data.manifest import Utterance
from audio_rnn.models.speech import SpeechModel
from recipes.held_out import Recording

Answer = tuple[Utterance, NDArray[np.float32]]  # with log-probabilities (steps, symbols)


class Sounds:
    """Recordings read on demand, whatever was said in them."""

    def __init__(self, recordings: list[Recording], sample_rate: int) -> None:
        self.recordings, self.sample_rate = recordings, sample_rate
        self.durations = np.array([recording.utterance.duration for recording in recordings])

    def __len__(self) -> int:
        return len(self.recordings)

    def __getitem__(self, index: int) -> Example:
        utterance, source = self.recordings[index].utterance, self.recordings[index].source
        return Example(utterance.id, read_source(source, utterance, self.sample_rate), [])

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Recordings as a padded batch. Raises: ManifestError."""
        return collate(examples)


@torch.inference_mode()
def listen(
    model: SpeechModel, parts: Iterable[list[Recording]], seconds: float = 200.0
) -> Iterator[Answer]:
    """The model's answer to each recording, in order; `seconds` of padded audio at once.

    Raises: AudioError, ManifestError.
    """
    for part in parts:
        sounds, found = Sounds(part, model.features.config.sample_rate), {}
        for batch in Batches(sounds, BatchConfig(seconds)).epoch(0):
            there = batch.to(model.device)
            log_probs, steps = model(there.inputs, there.lengths)
            for name, scores, count in zip(batch.ids, log_probs.cpu().numpy(), steps.tolist()):
                found[name] = scores[:count]
        yield from ((r.utterance, found[r.utterance.id]) for r in part)
