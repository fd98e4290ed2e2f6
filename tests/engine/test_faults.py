"""What goes wrong around a training: each fault is injected, and ends in a named error and then in
the weights and the history of a run that had none."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.engine import trainer
from audio_rnn.engine.state import State
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import TrainingError
from audio_rnn.models.folder import read_model
from audio_rnn.randomness import random_state, set_random_state
from audio_rnn.runs import meter
from audio_rnn.runs.checkpoint import load_state, save_state
from audio_rnn.runs.folder import claimed
from audio_rnn.runs.history import append_history, cut_history, read_history
from audio_rnn.runs.signals import Interrupted
from benchmarks import faults
from benchmarks.faults import ANEW, EARLY, NOTHING, RESUMED, Found, equal, life, survive
from tests.engine.test_trainer import BASE, Stopping, go_on, train
from tests.engine.toy import ToyBatch, ToyBatches, ToyTask


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting takes root: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write a file until nothing fits any more."""
    with pytest.raises(OSError, match="No space left"), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))


STOPPED = 2, 1  # epoch and batch


def begin(whole: Path, parts: Path) -> None:
    """A run to its end, and the same stopped in its second epoch."""
    train(whole)
    with pytest.raises(Interrupted):
        train(parts, BASE, Stopping(*STOPPED))


@pytest.mark.parametrize(("number", "kills"), [("KILL", 4), ("TERM", 2), ("INT", 2)])
def test_stopped_at_any_moment_it_ends_as_if_it_had_not_been(
    tmp_path: Path, number: str, kills: int
) -> None:
    def work(run: Path) -> None:
        train(run, replace(BASE, epochs=3, save_every=2))

    survived = survive(work, tmp_path, kills, 1, signal.Signals[f"SIG{number}"])
    assert survived.hits.total() == survived.restarts.total() == kills
    assert survived.ends and survived.fine, survived


def stopped(work: object, run: Path, *_: object) -> str:
    """A life that is always stopped at the same moment."""
    with pytest.raises(Interrupted):
        train(run, BASE, Stopping(*STOPPED))
    return "inside an epoch"


@pytest.mark.parametrize("resumes", [True, False])
def test_a_training_that_begins_anew_has_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumes: bool
) -> None:
    """Though it comes to the same end, as one that is deterministic must."""
    monkeypatch.setattr(faults, "life", stopped)
    if not resumes:
        monkeypatch.setattr(State, "resume", lambda *_: None)
    survived = survive(train, tmp_path, 1, 1)
    assert survived.ends == [True] and survived.fine == resumes
    assert survived.restarts == {RESUMED if resumes else ANEW: 1}
    assert ("1 restarts: 1 NOT resumed" in str(survived)) != resumes


def test_a_restart_that_told_nothing_has_not_come_so_far_or_began_anew(tmp_path: Path) -> None:
    """Which the history tells: one that has come so far has cut it off behind its state."""
    assert Found.of(tmp_path).became(tmp_path, "inside an epoch") == NOTHING
    stopped(train, tmp_path)
    append_history(tmp_path, {"epoch": 2, "step": 7})
    found = Found.of(tmp_path)
    assert found.became(tmp_path, "inside an epoch") == EARLY
    assert found.became(tmp_path, "while checkpoint was written") == ANEW
    cut_history(tmp_path, 2, 6)
    assert found.became(tmp_path, "inside an epoch") == EARLY
    cut_history(tmp_path, 2, 5)
    assert found.became(tmp_path, "inside an epoch") == ANEW


def test_a_training_that_crashes_is_no_training_that_was_stopped(tmp_path: Path) -> None:
    def work(run: Path) -> None:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
        time.sleep(5)

    with pytest.raises(RuntimeError, match=r"SIGTERM ended a training with status -10"):
        life(work, tmp_path / "run", random.Random(0), 2.0, signal.SIGTERM)


def test_a_full_disk_loses_nothing(tmp_path: Path, disk: Path) -> None:
    whole, parts = tmp_path / "whole", disk / "parts"
    begin(whole, parts)
    fill(disk / "filler")
    with pytest.raises(TrainingError, match=r"not written: .*No space left.*make room"):
        train(parts)
    (disk / "filler").unlink()
    go_on(parts, STOPPED)
    assert equal(whole, parts)


def test_a_disk_that_fills_up_while_a_checkpoint_is_written(tmp_path: Path, disk: Path) -> None:
    """There is room for lines of the history, not for a second checkpoint."""
    whole, parts = tmp_path / "whole", disk / "parts"
    begin(whole, parts)
    fill(disk / "filler")
    os.truncate(disk / "filler", (disk / "filler").stat().st_size - 8192)
    with pytest.raises(TrainingError, match=r"checkpoint: not written: .*the one before is whole"):
        train(parts, replace(BASE, save_every=1))
    (disk / "filler").unlink()
    go_on(parts, (2, 2))  # the next step was saved where the state before the last had been
    assert equal(whole, parts)


def test_a_folder_that_becomes_read_only(tmp_path: Path, disk: Path) -> None:
    whole, parts = tmp_path / "whole", disk / "parts"
    begin(whole, parts)
    mount("-o", "remount,ro", str(disk))
    for run in (parts, disk / "new"):
        with pytest.raises(TrainingError, match=r"not written: .*Read-only file system"):
            train(run)
    mount("-o", "remount,rw", str(disk))
    go_on(parts, STOPPED)
    assert equal(whole, parts)


STATE = {"step": 7, "rate": 0.1, "random": [3, None], "weight": torch.arange(50.0)}


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_no_byte_of_a_checkpoint_can_change_unseen(tmp_path: Path, suffix: str) -> None:
    """A flipped bit in any of a hundred places, and an end at any of them."""
    save_state(tmp_path, STATE)
    path = next(file for file in tmp_path.iterdir() if file.suffix == suffix)
    data = path.read_bytes()
    for n, place in enumerate(np.linspace(0, len(data) - 1, 100).astype(int)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << n % 8
        for damaged in (bytes(flipped), data[:place]):
            path.write_bytes(damaged)
            with pytest.raises(TrainingError, match=r"^checkpoint: .*; (delete|update|train)"):
                load_state(tmp_path, pytest.fail)
    path.write_bytes(data)
    loaded = load_state(tmp_path, pytest.fail)
    assert loaded is not None and torch.equal(loaded.pop("weight"), STATE["weight"])
    assert loaded == {k: v for k, v in STATE.items() if k != "weight"}


@pytest.mark.parametrize("part", ["json", "safetensors"])
@pytest.mark.parametrize("lost", ["byte", "end", "checkpoint"])
def test_training_goes_on_from_the_checkpoint_before_a_damaged_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, lost: str
) -> None:
    """To the same end, and twice damaged as well."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    begin(whole, parts)
    for at in ((2, 0), (4, 0)):  # the states before that of the stop, and of the end
        capsys.readouterr()
        path = next((parts / "checkpoint").glob(f"*.{part}"))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        if lost == "checkpoint":  # killed between moving the old and writing the new
            shutil.rmtree(parts / "checkpoint")
        else:
            path.write_bytes(data if lost == "byte" else data[:-3])
        go_on(parts, at)
        assert ("goes on from the checkpoint before it" in told(capsys)) == (lost != "checkpoint")
        assert equal(whole, parts)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


class Noisy(ToyTask):
    """Draws from every generator there is; those of Gauss keep a second value for the next call."""

    def losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        drawn = random.gauss(1, 0.1) * random.uniform(0.9, 1.1) * float(np.random.normal(1, 0.1))
        scale = torch.empty(()).normal_(1, 0.1) * (drawn if self.model.training else 1)
        return {"square": super().losses(batch)["square"] * scale}


def test_the_random_state_of_python_and_numpy_goes_on_too(tmp_path: Path) -> None:
    def work(run: str, batches: ToyBatches) -> tuple[int, int]:
        Trainer(Noisy(), BASE, tmp_path / run).fit(batches, ToyBatches())
        return batches.asked[0]

    work("whole", ToyBatches())
    for stop in ((1, 2), (3, 1)):
        random.seed(5)
        np.random.seed(5)
        with pytest.raises(Interrupted):
            work("parts", Stopping(*stop))
    assert work("parts", ToyBatches()) == (3, 1)
    assert equal(tmp_path / "whole", tmp_path / "parts")


def test_random_state_of_more_gpus_than_there_are_is_taken_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_on: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: set_on.append(device))
    set_random_state({**random_state(), "cuda": [torch.zeros(16, dtype=torch.uint8)] * 2})
    assert set_on == [0]


@pytest.mark.parametrize("due", ["never", "always"])
def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, due: str
) -> None:
    """Neither the end nor how often a state is saved and a line is written."""
    counts: Counter[str] = Counter()

    def count(owner: type, name: str) -> None:
        method = getattr(owner, name)

        def counted(*arguments: Any) -> Any:
            counts[name] += 1
            return method(*arguments)

        monkeypatch.setattr(owner, name, counted)

    count(State, "save")
    count(meter.Meter, "line")
    for place, name in ((trainer, "SAVE_SECONDS"), (meter, "INTERVAL")):
        monkeypatch.setattr(place, name, {"never": 600.0, "always": 0.0}[due])
    train(tmp_path / "whole")
    steady = counts.copy()
    assert steady["save"] >= 4 and (steady["line"] > 0) == (due == "always")
    counts.clear()
    jumps = random.Random(0)
    monkeypatch.setattr(time, "time", lambda: 1.8e9 + jumps.choice([-1e9, 1e9]))
    train(tmp_path / "jumped")
    assert counts == steady
    assert equal(tmp_path / "whole", tmp_path / "jumped")


class Half(ToyTask):
    """Whose gradients come through numbers of 16 bits, which a scale can be too large for."""

    def losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        return {"square": super().losses(batch)["square"].half().float()}


def test_the_scale_of_fp16_goes_on_too(tmp_path: Path) -> None:
    """It grows every three steps until a step is skipped; the stop is between two growths."""

    def work(run: str, batches: ToyBatches) -> dict[str, Any]:
        trained = Trainer(Half(), BASE, tmp_path / run)
        trained.state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=3)
        trained.fit(batches, ToyBatches())
        return trained.state.scaler.state_dict()

    whole = work("whole", ToyBatches())
    with pytest.raises(Interrupted):
        work("parts", Stopping(2, 3))
    last = ToyBatches()
    assert work("parts", last) == whole
    assert last.asked[0] == (2, 3)
    norms = [e["grad_norm"] for e in read_history(tmp_path / "whole") if "rate" in e]
    assert None in norms[8:]  # skipped after the stop
    assert equal(tmp_path / "whole", tmp_path / "parts")


class Exploding(ToyTask):
    """Whose losses no such learning rate is for."""

    def losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        return {"square": 1e4 * super().losses(batch)["square"]}


def test_a_learning_rate_at_which_all_explodes_is_told(tmp_path: Path) -> None:
    """Also when it is tried again; a model that was kept before is finite."""
    config = replace(BASE, epochs=60, rate=1.0, clip=1e30, optimizer="sgd", skip_limit=3)
    for _ in range(2):
        with pytest.raises(TrainingError, match=r"not finite.*lower training\.rate \(1\.0\)"):
            Trainer(Exploding(), config, tmp_path).fit(ToyBatches(), ToyBatches())
    if (tmp_path / "model").is_dir():
        assert all(w.isfinite().all() for w in read_model(tmp_path, "toy").weights.values())


def hold(folder: Path, pipe: int) -> None:
    """Train nothing in a folder for ever, with a worker."""
    with claimed(folder):
        os.fork()
        os.write(pipe, b"!")
        time.sleep(60)


def test_a_folder_is_free_as_soon_as_its_training_is_killed(tmp_path: Path) -> None:
    """Though its workers live on for a while."""
    ready, pipe = os.pipe()
    training = os.fork()
    if training == 0:
        os.setpgid(0, 0)
        hold(tmp_path, pipe)
        os._exit(0)
    assert os.read(ready, 1) + os.read(ready, 1) == b"!!"
    with pytest.raises(TrainingError, match="another training runs in this folder"):
        train(tmp_path)
    os.kill(training, signal.SIGKILL)
    os.waitpid(training, 0)
    train(tmp_path)
    os.killpg(training, signal.SIGKILL)  # the worker was there all the time


def everything(value: Any, place: str = "") -> set[str]:
    """The names of all that a state holds."""
    if isinstance(value, dict):
        inside = (everything(v, f"{place}.{k}") for k, v in value.items())
        return {place}.union(*inside)
    return {place}


def test_the_state_is_all_of_it(tmp_path: Path) -> None:
    train(tmp_path)
    state = load_state(tmp_path / "checkpoint", pytest.fail)
    assert state is not None
    assert {"model", "optimizer", "average", "scaler", "position", "random_states"} == {*state}
    assert {"cpu", "cuda", "numpy", "python"} == {*state["random_states"][0]}
    assert {".state.0.exp_avg", ".state.0.exp_avg_sq", ".state.0.step"} <= everything(
        state["optimizer"]
    )
    assert {"epoch", "batch", "step", "best", "rate_scale", "loss_sum"} <= {*state["position"]}
