"""A recording that changes while training runs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.classes import Classes
from audio_rnn.data import clips
from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.clips import ClipDataset, cut
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError

RATE, COUNT = 8000, 8
UTTERANCES = [Utterance(str(n), 0.5, audio=f"{n}.wav", tags=("dog",)) for n in range(COUNT)]


def record(path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, RATE // 2)
    soundfile.write(path, noise, RATE)


@pytest.fixture(params=[SpeechDataset, ClipDataset])
def dataset(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> SpeechDataset | ClipDataset:
    """Recordings of half a second; of clips none is kept in memory."""
    monkeypatch.setattr(clips, "KEPT", 0)
    for n in range(COUNT):
        record(tmp_path / f"{n}.wav", n)
    if request.param is SpeechDataset:
        return SpeechDataset(tmp_path, UTTERANCES, [[1]] * COUNT, RATE)
    return ClipDataset(tmp_path, cut(UTTERANCES, 30.0), Classes(("dog",)), RATE)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 2])
def test_another_recording_of_the_same_length_and_time_is_named(
    dataset: SpeechDataset | ClipDataset, workers: int
) -> None:
    """Also by worker processes, which live for an epoch each."""
    batches = Batches(dataset, BatchConfig(1.0, workers))
    list(batches.epoch(1))
    path = dataset.folder / "3.wav"
    before = path.stat()
    record(path, 99)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(AudioError, match=r"/3\.wav: found another content.*former file back"):
        list(batches.epoch(2))


def test_the_same_recording_written_again_is_no_change(
    dataset: SpeechDataset | ClipDataset,
) -> None:
    """As by a cache that copies it anew, or a network disk whose times jitter."""
    batches = Batches(dataset, BatchConfig(1.0))
    list(batches.epoch(1))
    for n in range(COUNT):
        record(dataset.folder / f"{n}.wav", n)
        os.utime(dataset.folder / f"{n}.wav", (0, 1e9 * n))
    assert sum(len(batch.ids) for batch in batches.epoch(2)) == COUNT
