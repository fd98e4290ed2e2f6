"""Files and processes that go away while batches are read."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, TrainingError
from audio_rnn.randomness import random_state

RATE = 8000


@pytest.fixture
def dataset(tmp_path: Path) -> SpeechDataset:
    """40 recordings of half a second."""
    for n in range(40):
        soundfile.write(tmp_path / f"{n}.wav", np.full(RATE // 2, 0.1), RATE)
    utterances = [Utterance(str(n), 0.5, audio=f"{n}.wav") for n in range(40)]
    return SpeechDataset(tmp_path, utterances, [[1]] * 40, RATE)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_worker_that_is_killed_is_named_and_takes_the_others_with_it(
    dataset: SpeechDataset,
) -> None:
    batches = Batches(dataset, BatchConfig(seconds=1, workers=2)).epoch(1)
    handler = signal.getsignal(signal.SIGCHLD)
    next(batches)
    os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
    with pytest.raises(
        TrainingError, match=r"process that reads data was killed.*batches\.workers"
    ):
        list(batches)
    assert signal.getsignal(signal.SIGCHLD) is handler


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("number", ["TERM", "INT", "HUP"])
def test_what_stops_a_training_does_not_end_its_workers_at_once(
    dataset: SpeechDataset, number: str
) -> None:
    """The signal of a terminal or of torchrun, which they get as well, or several processes would each
    find theirs dead before they agree on where to stop."""
    batches = Batches(dataset, BatchConfig(seconds=1, workers=2)).epoch(1)
    read = [next(batches)]
    for worker in multiprocessing.active_children():
        os.kill(worker.pid or 0, signal.Signals[f"SIG{number}"])
    assert len(read + list(batches)) == 20


class Watched(SpeechDataset):
    """Fails where reading draws a random number."""

    def __getitem__(self, index: int) -> Any:
        before = drawn()
        item = super().__getitem__(index)
        assert drawn() == before, "reading drew"
        return item

    def collate(self, examples: list[Any]) -> Any:
        before = drawn()
        batch = super().collate(examples)
        assert drawn() == before, "putting together drew"
        return batch


def drawn() -> tuple[Any, ...]:
    """What the next random numbers of this process depend on."""
    return torch.get_rng_state().tolist(), random.getstate(), str(random_state()["numpy"])


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1])
def test_reading_draws_nothing(dataset: SpeechDataset, workers: int) -> None:
    """So that a state has no random generators of worker processes to keep."""
    watched = Watched(dataset.folder, dataset.utterances, [[1]] * 40, RATE)
    before = drawn()
    assert len(list(Batches(watched, BatchConfig(seconds=1, workers=workers)).epoch(1))) == 20
    assert drawn() == before


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_goes_away_or_changes_is_named(dataset: SpeechDataset, workers: int) -> None:
    batches = Batches(dataset, BatchConfig(seconds=1, workers=workers))
    plan = batches.plan(1)
    gone, changed = plan[-1][0], plan[-2][0]
    for change, message in (
        (lambda: (dataset.folder / f"{gone}.wav").unlink(), rf"/{gone}\.wav: "),
        (
            lambda: soundfile.write(dataset.folder / f"{changed}.wav", np.zeros(RATE), RATE),
            rf"/{changed}\.wav: found 1\.00 s, expected 0\.50 s.*has changed",
        ),
    ):
        reading = batches.epoch(1)
        next(reading)
        change()
        with pytest.raises(AudioError, match=message):
            list(reading)
