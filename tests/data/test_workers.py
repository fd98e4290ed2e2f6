"""Files and processes that go away while batches are read."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.prefetch import ahead
from audio_rnn.data.workers import started
from audio_rnn.errors import AudioError, TrainingError
from audio_rnn.randomness import random_state
from audio_rnn.runs import signals
from audio_rnn.runs.signals import Interrupts

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


class Begun(DataLoader[int]):
    """Gets a signal while it starts its workers, in any thread that listens."""

    def __init__(self, number: int) -> None:
        super().__init__([1, 2])  # type: ignore[arg-type]
        self.number = number
        self.whole = False

    def __iter__(self) -> Iterator[int]:  # type: ignore[override]
        os.kill(os.getpid(), self.number)
        time.sleep(0.05)  # Python hears of it when its lock changes hands
        self.whole = True
        return super().__iter__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_another_thread_takes_leaves_no_half_started_loader(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a second thread of computation takes it, where this one listens to none meanwhile."""
    monkeypatch.setattr(signals, "PATIENCE", 0.01)
    inherited = signal.signal(number, signal.SIG_DFL)  # nohup has it ignored
    former = handlers()
    end = threading.Event()
    threading.Thread(target=end.wait).start()
    loader = Begun(number)
    with Interrupts() as interrupts:
        read = list(interrupts.awaited(started(loader)))
    end.set()
    after = handlers()
    signal.signal(number, inherited)
    assert loader.whole and not read and interrupts.received
    assert after == former


def test_a_loader_may_start_in_a_thread_beside_the_main_one(dataset: SpeechDataset) -> None:
    """As one that reads ahead."""
    former = handlers()
    batches = Batches(dataset, BatchConfig(seconds=1, workers=1)).epoch(1)
    assert len(list(ahead(batches))) == 20
    assert handlers() == former


def handlers() -> dict[int, Any]:
    """What this process does at each signal."""
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


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
