import fcntl
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import Tensor, nn

from audio_rnn import storage
from audio_rnn.data.prefetch import ahead
from audio_rnn.distributed import processes
from audio_rnn.engine import trainer
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import AudioError, ConfigError, InputError, TrainingError
from audio_rnn.models.folder import read_model
from audio_rnn.optimization.averaging import Average
from audio_rnn.runs.folder import claimed
from audio_rnn.runs.history import read_history
from audio_rnn.runs.position import Position
from audio_rnn.runs.signals import Interrupted, Terminated
from tests.engine.toy import ToyBatch, ToyBatches, ToyTask

BASE = TrainingConfig(epochs=4, rate=1e-2, device="cpu")


def weights(task: ToyTask) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in task.model.state_dict().items()}


def train(
    run_dir: Path, config: TrainingConfig = BASE, batches: ToyBatches | None = None, **task: object
) -> ToyTask:
    toy = ToyTask(**task)  # type: ignore[arg-type]
    Trainer(toy, config, run_dir).fit(batches or ToyBatches(), ToyBatches())
    return toy


def go_on(
    run_dir: Path,
    at: tuple[int, int],
    config: TrainingConfig = BASE,
    batches: ToyBatches | None = None,
    **task: object,
) -> ToyTask:
    """Train to the end, from this epoch and batch on: one that began anew would come to the same."""
    batches = batches or ToyBatches()
    try:
        return train(run_dir, config, batches, **task)
    finally:
        assert batches.asked[0] == at


class Stopping(ToyBatches):
    """Asks the process to stop while a given batch is being worked on."""

    def __init__(self, epoch: int, batch: int, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.at, self.number = (epoch, batch), number

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i) == self.at:
                os.kill(os.getpid(), self.number)
            yield batch


def test_training_lowers_the_error(tmp_path: Path) -> None:
    config = replace(BASE, epochs=60, rate=5e-2, averaging="none")
    train(tmp_path, config, dropout=0.0)
    scores = [e["error"] for e in read_history(tmp_path) if "error" in e]
    assert scores[-1] < 0.3 * scores[0]
    assert (tmp_path / "curves.png").stat().st_size > 5000


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "sgd", "schedule": "warmup_cosine", "averaging": "last", "last": 2},
        {"schedule": "plateau", "plateau_epochs": 1, "averaging": "none", "accumulate": 2},
        {"precision": "bf16"},
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    tmp_path: Path, change: dict[str, object]
) -> None:
    config = replace(BASE, **change)  # type: ignore[arg-type]
    whole = weights(train(tmp_path / "whole", config))
    at = (1, 0)
    for stop in ((2, 2), (3, 0)):
        with pytest.raises(Interrupted, match="run the same command to go on"):
            go_on(tmp_path / "parts", at, config, Stopping(*stop))
        at = stop
    parts = weights(go_on(tmp_path / "parts", at, config))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))
    best = [read_model(tmp_path / run, "toy").weights for run in ("whole", "parts")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_a_crash_between_saves_changes_nothing_either(tmp_path: Path) -> None:
    config = replace(BASE, save_every=3)

    class Crashing(ToyBatches):
        def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
            for i, batch in enumerate(super().epoch(epoch, start), start):
                if (epoch, i) == (2, 3) and start == 0:
                    raise RuntimeError("power cut")
                yield batch

    whole = weights(train(tmp_path / "whole", config))
    with pytest.raises(RuntimeError, match="power cut"):
        train(tmp_path / "parts", config, Crashing())
    parts = weights(go_on(tmp_path / "parts", (2, 1), config))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


def test_an_epoch_that_is_ended_again_stands_once_in_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last step is saved; the crash comes when the epoch is told, but not saved."""
    config = replace(BASE, save_every=1)
    train(tmp_path / "whole", config)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        patch.setattr(Position, "next_epoch", lambda _: cut_power())
        train(tmp_path / "parts", config)
    go_on(tmp_path / "parts", (1, 5), config)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


def cut_power() -> NoReturn:
    raise RuntimeError("power cut")


class Hanging(ToyBatches):
    """Comes to a batch that nothing comes of, as from a command that hangs, until a signal has come."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.at, self.seen = (epoch, batch), threading.Event()

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        return ahead(self._hung(epoch, start))

    def _hung(self, epoch: int, start: int) -> Iterator[ToyBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i) == self.at:
                threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
                self.seen.wait(60)
            yield batch


@pytest.mark.parametrize(
    ("at", "next"),
    [((1, 0), (1, 0)), ((2, 1), (2, 1)), ((0, 2), (1, 5))],  # 0: in validation
)
def test_a_signal_is_heeded_while_nothing_comes(
    at: tuple[int, int], next: tuple[int, int], tmp_path: Path
) -> None:
    hanging = Hanging(*at)
    train_on, valid = (ToyBatches(), hanging) if at[0] == 0 else (hanging, ToyBatches())
    began = time.monotonic()
    with pytest.raises(Interrupted, match="state saved"):
        Trainer(ToyTask(), BASE, tmp_path / "parts").fit(train_on, valid)
    hanging.seen.set()
    assert time.monotonic() - began < 20
    go_on(tmp_path / "parts", next)
    train(tmp_path / "whole")
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


def test_a_step_that_lacks_a_batch_is_not_saved(tmp_path: Path) -> None:
    config = replace(BASE, accumulate=2)
    hanging = Hanging(2, 1)
    with pytest.raises(Interrupted, match="within a step"):
        Trainer(ToyTask(), config, tmp_path / "parts").fit(hanging, ToyBatches())
    hanging.seen.set()
    go_on(tmp_path / "parts", (2, 0), config)
    train(tmp_path / "whole", config)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_a_process_that_is_asked_to_stop_saves_and_says_so(
    tmp_path: Path, number: int, status: int
) -> None:
    """A scheduler that sends SIGTERM may take the run as well ended, and start it again."""
    code = (
        "import signal, sys; from pathlib import Path; from audio_rnn.cli.shell import run_command\n"
        "from tests.engine.test_trainer import BASE, Stopping, train\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where tests run under nohup\n"
        f"run_command(lambda: train(Path(sys.argv[1]), BASE, Stopping(2, 1, {int(number)})) and None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == status
    assert done.stderr.count("state saved") == 1 and "Traceback" not in done.stderr
    assert "run the same command to go on" in done.stderr
    assert (tmp_path / "checkpoint" / "checkpoint.json").exists()


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As SIGHUP is by nohup, and SIGINT in the background of a script."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        train(tmp_path, BASE, Stopping(2, 1))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)
    assert [e["epoch"] for e in read_history(tmp_path) if "error" in e] == [1, 2, 3, 4]


def test_a_training_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from audio_rnn.cli.shell import run_command\n"
        "from tests.engine.test_trainer import BASE, train\n"
        "run_command(lambda: train(Path(sys.argv[1]), BASE) and None)"
    )
    reading, writing = os.pipe()
    os.close(reading)
    status = subprocess.call([sys.executable, "-c", code, str(tmp_path)], stderr=writing)
    os.close(writing)
    assert status == 0
    assert len((tmp_path / "train.log").read_text().splitlines()) == 4


def test_no_thread_outlives_a_training(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    with pytest.raises(Interrupted):
        train(tmp_path, replace(BASE, tensorboard=True), Stopping(2, 1))
    assert set(threading.enumerate()) <= others


def test_accumulated_batches_make_one_step(tmp_path: Path) -> None:
    train(tmp_path, replace(BASE, epochs=1, accumulate=2))
    steps = [e for e in read_history(tmp_path) if "rate" in e]
    assert len(steps) == 3  # of five batches


def test_a_step_of_fewer_batches_takes_their_mean_too(tmp_path: Path) -> None:
    """Two batches are the mean of two, whether two or fifty were wanted."""
    runs = []
    for accumulate in (2, 50):
        run = tmp_path / str(accumulate)
        toy = ToyTask(dropout=0.0)
        Trainer(toy, replace(BASE, epochs=1, accumulate=accumulate, clip=1e9), run).fit(
            ToyBatches(items=16), ToyBatches()
        )
        entry = next(read_history(run))
        runs.append((entry["grad_norm"], entry["mean_loss"]))
    assert runs[1] == pytest.approx(runs[0], rel=1e-6)


def test_the_schedule_lasts_as_long_as_the_training(tmp_path: Path) -> None:
    """Five batches an epoch in steps of four: the second step of each epoch has only one."""
    train(tmp_path, replace(BASE, epochs=20, accumulate=4, warmup=0.0))
    rates = [e["rate"] for e in read_history(tmp_path) if "rate" in e]
    assert len(rates) == 40 and rates == sorted(rates, reverse=True)
    assert rates[20] == pytest.approx(BASE.rate / 2, rel=0.2)
    assert len(set(rates)) == 40  # it does not end before the training does


class Poisoned(ToyBatches):
    """Of these batches, all but the first hold item7 in every epoch."""

    def __init__(self, batches: int) -> None:
        super().__init__(items=8 * batches)
        self.count = batches

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            yield replace(batch, ids=[f"item{7 if i else 0}"] * len(batch.ids))


def test_a_loss_that_is_not_finite_names_the_item_and_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = ToyTask(poison="item7")
    with pytest.raises(TrainingError, match=r"last a loss with item7.*training\.rate"):
        Trainer(toy, replace(BASE, skip_limit=2), tmp_path).fit(Poisoned(4), ToyBatches(items=7))
    assert "loss not finite, batch skipped: item7" in capsys.readouterr().err
    assert all(value.isfinite().all() for value in toy.model.state_dict().values())


def test_skipped_batches_are_counted_anew_every_epoch(tmp_path: Path) -> None:
    toy = ToyTask(poison="item7")
    Trainer(toy, replace(BASE, skip_limit=2), tmp_path).fit(Poisoned(3), ToyBatches())
    norms = [e["grad_norm"] for e in read_history(tmp_path) if "rate" in e]
    assert [norm is None for norm in norms] == [False, True, True] * BASE.epochs


def test_an_epoch_without_a_finite_loss_is_the_last(tmp_path: Path) -> None:
    toy = ToyTask(poison="item0")
    with pytest.raises(TrainingError, match="epoch 1: no batch had a finite loss"):
        Trainer(toy, BASE, tmp_path).fit(Poisoned(1), ToyBatches())
    assert [e["grad_norm"] for e in read_history(tmp_path)] == [None]


class Steep(ToyTask):
    """Its losses are finite and their gradients are not."""

    def losses(self, batch: ToyBatch) -> dict[str, torch.Tensor]:
        return {"square": (0 * super().losses(batch)["square"]).sqrt()}


@pytest.mark.parametrize(("scale", "fails"), [(0.5, True), (2.0**16, False)])
def test_gradients_that_stay_infinite_in_fp16_are_counted(
    tmp_path: Path, scale: float, fails: bool
) -> None:
    """Once the scale that is searched for cannot be the reason."""
    trainer = Trainer(Steep(), replace(BASE, epochs=1, skip_limit=2), tmp_path)
    trainer.state.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    if not fails:
        trainer.fit(ToyBatches(), ToyBatches())
        return
    with pytest.raises(TrainingError, match="last a gradient with item"):
        trainer.fit(ToyBatches(), ToyBatches())


def test_early_stopping(tmp_path: Path) -> None:
    train(tmp_path, replace(BASE, epochs=50, rate=1e-9, patience=2, averaging="none"), dropout=0.0)
    assert max(e["epoch"] for e in list(read_history(tmp_path))) < 50


def test_a_plateau_halves_the_rate(tmp_path: Path) -> None:
    config = replace(
        BASE,
        epochs=8,
        rate=1e-9,
        schedule="plateau",
        plateau_epochs=1,
        warmup=0.0,
        averaging="none",
    )
    train(tmp_path, config, dropout=0.0)
    rates = [e["rate"] for e in read_history(tmp_path) if "rate" in e]
    assert rates[-1] < rates[0] / 3


def test_gradient_norms_of_layers_are_in_the_history(tmp_path: Path) -> None:
    train(tmp_path, replace(BASE, epochs=1, log_layers=True))
    entry = next(read_history(tmp_path))
    total = sum(v**2 for k, v in entry.items() if k.startswith("grad_norm.")) ** 0.5
    assert total == pytest.approx(entry["grad_norm"], rel=1e-4)


def test_averages_score_what_they_say(tmp_path: Path) -> None:
    toy = ToyTask(dropout=0.0)
    trainer = Trainer(toy, replace(BASE, averaging="last", last=2), tmp_path)
    trainer.fit(ToyBatches(), ToyBatches())
    a, b = trainer.state.average.snapshots
    name = "out.weight"
    with trainer.state.average.applied():
        assert torch.allclose(toy.model.get_parameter(name), (a[name] + b[name]) / 2)
    assert torch.equal(toy.model.get_parameter(name), b[name])


def test_averages_come_back_to_the_device_of_the_model() -> None:
    """Checkpoints are read to the CPU; "meta" stands for a GPU here."""
    average = Average(torch.nn.Linear(2, 1, device="meta"), "last", 0.0, 2)
    saved = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    average.load_state_dict({"values": saved, "snapshots": [saved, saved]})
    held = [average.values, *average.snapshots]
    assert {value.device.type for values in held for value in values.values()} == {"meta"}


@pytest.mark.parametrize(
    "scores", [{"loss": math.nan, "error": 0.5}, {"loss": 1.0, "error": -math.inf}]
)
def test_a_model_with_broken_scores_is_never_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: dict[str, float]
) -> None:
    monkeypatch.setattr(ToyTask, "evaluate", lambda *_: scores)
    train(tmp_path, replace(BASE, epochs=1))
    assert not (tmp_path / "model").exists()


def test_a_best_model_that_is_gone_is_sought_anew_or_missed(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, BASE, Stopping(3, 1))
    shutil.rmtree(tmp_path / "model")
    worse = replace(BASE, rate=1.0)  # never as good as what is gone
    train(tmp_path, worse)
    assert "model: is gone" in (tmp_path / "train.log").read_text()
    assert read_model(tmp_path, "toy").description["epoch"] in (3, 4)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(TrainingError, match=r"found none, expected the model of epoch [34]; copy"):
        train(tmp_path, worse)


class Normalizing(ToyTask):
    """With statistics of batches."""

    def __init__(self) -> None:
        super().__init__()
        self.model["norm"] = nn.BatchNorm1d(2)

    def losses(self, batch: ToyBatch) -> dict[str, Tensor]:
        x = self.model["norm"](batch.x.transpose(1, 2)).transpose(1, 2)
        return super().losses(replace(batch, x=x))


class Spoiled(ToyBatches):
    """With an item that is not a number."""

    def __init__(self) -> None:
        super().__init__()
        self.x[7, 2, 1] = torch.nan


def test_what_is_not_finite_stays_out_of_the_statistics_of_batches(tmp_path: Path) -> None:
    task = Normalizing()
    Trainer(task, BASE, tmp_path).fit(Spoiled(), ToyBatches())
    assert all(value.isfinite().all() for value in task.model.state_dict().values())
    assert task.model["norm"].num_batches_tracked == 4 * 4  # of five batches an epoch
    assert all(math.isfinite(e["error"]) for e in read_history(tmp_path) if "error" in e)


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process does
        with pytest.raises(TrainingError, match="another training runs"):
            train(tmp_path)


def test_a_process_that_holds_its_folder_already_trains_in_it_and_holds_it_on(
    tmp_path: Path,
) -> None:
    with claimed(tmp_path):
        train(tmp_path, replace(BASE, epochs=1))
        with (tmp_path / ".lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with claimed(tmp_path):  # free again
        pass


def test_a_history_that_was_cut_off_is_continued(tmp_path: Path) -> None:
    train(tmp_path)
    whole = list(read_history(tmp_path))
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"epoch": 5, "st')
    train(tmp_path)
    assert list(read_history(tmp_path)) == whole
    assert (tmp_path / "history.jsonl").read_text().endswith("}\n")


def test_a_full_disk_leaves_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights(train(tmp_path / "whole"))
    with pytest.raises(Interrupted):
        train(tmp_path / "parts", BASE, Stopping(2, 1))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_flush", full)
        with pytest.raises(TrainingError, match=r"No space left.*the one before is whole"):
            train(tmp_path / "parts", replace(BASE, validate_every=4))
    parts = weights(go_on(tmp_path / "parts", (2, 1)))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_impossible_configs_are_named() -> None:
    with pytest.raises(ConfigError, match=r"training.epochs: found 0"):
        TrainingConfig(epochs=0)
    with pytest.raises(ConfigError, match="fp16 on the CPU"):
        Trainer(ToyTask(), replace(BASE, precision="fp16"), Path("unused"))
    for device in ("gpu", "meta", "mps"):
        with pytest.raises(ConfigError, match=f"device: found '{device}'"):
            Trainer(ToyTask(), replace(BASE, device=device), Path("unused"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, 0) for name in ("truncate", "patience", "save_every", "threads")],
        *[(name, math.nan) for name in ("rate", "clip", "weight_decay")],
        *[(name, -1) for name in ("threads", "weight_decay", "skip_limit", "seed")],
        *[("rate", math.inf), ("rate", 1000.0), ("clip", math.inf), ("seed", 10**20)],
    ],
)
def test_impossible_numbers_are_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"training\.{name}: found .*, expected"):
        TrainingConfig(**{name: value})  # type: ignore[arg-type]


def test_a_task_that_cannot_be_cut_into_pieces_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.truncate: found 3, but this task"):
        train(tmp_path, replace(BASE, truncate=3))


def test_truncation_in_several_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their shares of a batch may have different numbers of pieces."""
    monkeypatch.setattr(processes, "start", lambda _: processes.Process(0, 2, torch.device("cpu")))
    with pytest.raises(ConfigError, match=r"training\.truncate: found 3 with 2 processes"):
        Trainer(ToyTask(), replace(BASE, truncate=3), tmp_path)


class Unreadable(ToyBatches):
    """A batch that cannot be read."""

    at = (2, 3)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i) == self.at:
                raise AudioError("bad.wav: damaged")
            yield batch


def test_a_file_that_cannot_be_read_loses_no_batch_before_it(tmp_path: Path) -> None:
    whole = weights(train(tmp_path / "whole"))
    with pytest.raises(AudioError, match=r"bad\.wav: damaged"):
        train(tmp_path / "parts", BASE, Unreadable())
    values, _ = storage.load(tmp_path / "parts" / "checkpoint", "checkpoint")
    position = dict(dict(values["state"]["items"])["position"]["items"])
    assert (position["epoch"], position["batch"], position["step"]) == (2, 3, 8)
    parts = weights(go_on(tmp_path / "parts", (2, 3)))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_file_that_cannot_be_read_before_any_step_leaves_no_run(tmp_path: Path) -> None:
    batches = Unreadable()
    batches.at = (1, 0)
    with pytest.raises(AudioError, match=r"bad\.wav: damaged"):
        train(tmp_path, BASE, batches)
    assert not (tmp_path / "checkpoint").exists() and not (tmp_path / "model").exists()


class StoppingInside(ToyBatches):
    """Validation data in which, the second time, the process is asked to stop."""

    rounds = 0

    def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
        self.rounds += 1
        for i, batch in enumerate(super().epoch(epoch, start)):
            if (self.rounds, i) == (2, 1):
                os.kill(os.getpid(), signal.SIGTERM)
            assert (self.rounds, i) != (2, 3), "validation went on"
            yield batch


@pytest.mark.parametrize("averaging", ["ema", "last"])
def test_validation_stops_when_asked_and_is_done_again(
    tmp_path: Path, averaging: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(BASE, averaging=averaging, accumulate=2)  # type: ignore[arg-type]
    whole = weights(train(tmp_path / "whole", config))
    with pytest.raises(Terminated, match=r"^0$"):
        Trainer(ToyTask(), config, tmp_path / "parts").fit(ToyBatches(), StoppingInside())
    assert "stopped at epoch 2" in capsys.readouterr().err
    parts = weights(go_on(tmp_path / "parts", (2, 5), config))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    histories = [list(read_history(tmp_path / run)) for run in ("whole", "parts")]
    assert histories[0] == histories[1]
    best = [read_model(tmp_path / run, "toy").weights for run in ("whole", "parts")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def another_model(folder: Path) -> None:
    """Weights of other names."""
    values, tensors = storage.load(folder, "checkpoint")
    text = json.dumps(values).replace('["cell.', '["other.')
    storage.save(folder, "checkpoint", json.loads(text), tensors)


def another_position(folder: Path) -> None:
    """Of a version with other fields."""
    values, tensors = storage.load(folder, "checkpoint")
    text = json.dumps(values).replace('"rate_scale"', '"rate_factor"')
    storage.save(folder, "checkpoint", json.loads(text), tensors)


def damage(folder: Path) -> None:
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("change", [another_model, another_position, damage])
def test_a_checkpoint_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    train(tmp_path, replace(BASE, epochs=2))
    shutil.rmtree(tmp_path / "checkpoint-before")
    change(tmp_path / "checkpoint")
    with pytest.raises(InputError, match=r"checkpoint.*; delete .*checkpoint\* to start anew"):
        train(tmp_path)
    shutil.rmtree(tmp_path / "checkpoint")
    train(tmp_path)
    entries = [e["epoch"] for e in read_history(tmp_path) if "error" in e]
    assert entries == [1, 2, 3, 4]  # nothing is left of the training before


def test_tensorboard_gets_the_scalars(tmp_path: Path) -> None:
    train(tmp_path, replace(BASE, epochs=1, tensorboard=True))
    event = next((tmp_path / "tensorboard").glob("events*"))
    assert b"grad_norm" in event.read_bytes()


def test_a_checkpoint_is_never_older_than_some_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without save_every as well."""
    saved: list[int] = []
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(
        trainer.State, "save", lambda state, folder: saved.append(state.position.step)
    )
    train(tmp_path, replace(BASE, epochs=1))
    assert saved == [1, 2, 3, 4, 5, 5]


def test_processes_of_other_symbols_stop_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many in another order would be other letters than were said, which no loss tells."""
    told: list[object] = []

    def another(value: object, _: processes.Process) -> list[object]:
        told.append(value)
        return [value, "5f70"]

    monkeypatch.setattr(processes, "from_all", another)
    for symbols in ("abc", "acb", "abc"):
        task = ToyTask()
        monkeypatch.setattr(task, "describe", partial(dict, symbols=[*symbols]))
        with pytest.raises(
            TrainingError, match=r"5f70 as SHA-256 of the model's symbols, .* in all"
        ):
            Trainer(task, BASE, tmp_path / "run").fit(ToyBatches(), ToyBatches())
    assert told[0] == told[2] != told[1]
    assert not (tmp_path / "run").exists()
