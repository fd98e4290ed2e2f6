"""benchmarks.training: a small round of each kind, and what it prints of it."""

from __future__ import annotations

import re
import sys
import time

import pytest
import torch

from audio_rnn.tasks.recognition import Recognition
from audio_rnn.threads import use_threads
from benchmarks import training
from benchmarks._training_corpus import AUGMENT
from benchmarks._training_rounds import Meter, Plan
from tests.simulated_gpu import simulated_gpu

pytestmark = pytest.mark.usefixtures("speechbrain_unseen")
SMALL = "--layers 1 --hidden 8 --items 2 --rounds 2 --batches 2 --utterances 6"


def rows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: str):
    """The head of what is printed, and the cells of each side's row, of whose name a part may come in
    another line."""
    monkeypatch.setattr(sys, "argv", ["training", *SMALL.split(), *options.split()])
    torch.manual_seed(0)
    training.main()
    printed = capsys.readouterr().out
    found = [re.findall(r"[^│]+", line) for line in printed.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in found]
    return printed.partition("┏")[0].replace("\n", ""), {
        name: rest for name, *rest in cells if all(rest)
    }


@pytest.mark.parametrize(
    ("options", "corpus"),
    [("", "frames"), ("--corpus sound --warm 1", "sound"), ("--corpus sound --workers 1", "sound")],
)
def test_each_side_has_a_row(options, corpus, capsys, monkeypatch):
    head, sides = rows(capsys, monkeypatch, options)
    assert f"2 batches of {corpus} a round, 2 rounds, CPU, 1 thread" in head
    assert {"our engine", "plain loop, packed LSTM"} <= sides.keys()
    for speed, padding, waiting, ratio in sides.values():
        assert float(speed.replace(",", "")) > 0
        assert 0 <= float(padding.strip("%")) < 60 and 0 <= float(waiting.strip("%")) < 100
        middle, low, high = (float(x) for x in re.findall(r"[\d.]+", ratio))
        assert 0 < low <= middle <= high
    assert sides["our engine"][-1] == "1.00 (1.00 to 1.00)"


def test_several_threads_are_the_others_as_torch_has_them_and_take_time_of_the_wall(
    capsys, monkeypatch
):
    told, use = [], torch.set_num_threads
    monkeypatch.setattr(torch, "set_num_threads", lambda count: told.append(count) or use(count))
    monkeypatch.setattr(time, "process_time", None)
    head, _ = rows(capsys, monkeypatch, "--threads 4")
    assert "CPU, 4 threads" in head
    assert told[0] == 2 and {4} < set(told)  # ours, whose directions are computed at once
    use_threads(1)


def test_a_gpu_takes_sound_that_is_augmented_and_its_waits_are_counted(capsys, monkeypatch):
    changes = []
    make = lambda model, augment: changes.append(augment) or Recognition(model, augment)  # noqa: E731
    monkeypatch.setattr(training, "Recognition", make)
    with simulated_gpu(), torch.backends.mkldnn.flags(enabled=False):  # has no LSTM of fp16
        head, sides = rows(capsys, monkeypatch, "--device cuda --precision fp16 --warm 1")
    assert "2 batches of sound a round, 2 rounds, simulated GPU" in head and "fp16" in head
    assert changes == [AUGMENT]
    waits = {name: float(cells[-1]) for name, cells in sides.items()}
    assert waits["our engine"] <= 2 < waits["plain loop, packed LSTM"]
    assert all(cells[-2].endswith("%") for cells in sides.values())


def test_a_round_on_a_gpu_takes_seconds():
    assert training.plan(training.Options().chosen(torch.device("cpu"))) == Plan(14, 3, 0, 0)
    options = training.Options(items=64, workers=12, device="cuda")
    assert training.plan(options.chosen(torch.device("cuda"))) == Plan(64, 40, 4, 12)


class Fake:
    """A batch of three seconds, a quarter of it padding."""

    size, padding = 3.0, 0.25


def test_the_first_batches_are_not_counted():
    meter, taken = Meter(time.perf_counter), []
    for batch in meter.watch(iter([Fake()] * 5), torch.device("cpu"), warm=2):  # type: ignore[list-item]
        taken.append((batch, list(meter.audio)))
    assert len(taken) == 5 and meter.audio == [9.0] and meter.padded == 12 and meter.steps == 3
