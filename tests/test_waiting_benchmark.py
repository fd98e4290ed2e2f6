"""benchmarks.waiting: what it counts as waiting, and what it prints."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from benchmarks import waiting


class Fake:
    """A batch of a tenth of a second of steps at a pace of 30."""

    size = 3.0


def slow(count: int, seconds: float):
    for _ in range(count):
        time.sleep(seconds)
        yield Fake()


def test_the_first_batch_is_apart_and_the_sleep_is_the_step():
    spent = waiting.Spent()
    waiting.consume(slow(4, 0.05), 30.0, spent)  # type: ignore[arg-type]
    assert spent.sound == 12
    assert 0.05 <= spent.first < 0.1 + 0.05
    assert spent.trained >= 0.4 and spent.waited >= 0.15
    assert spent.first + spent.waited + spent.trained < 2


def test_what_it_prints(capsys, monkeypatch):
    options = "--hours 0.01 --pace 1000 --batch 40 --workers 1 --seconds 0.2"
    monkeypatch.setattr(sys, "argv", ["waiting", *options.split()])
    waiting.main()
    printed = capsys.readouterr().out
    found = re.fullmatch(
        r"1 workers, 1,000 s of sound a second: waiting ([\d.]+)% of ([\d.]+) s of steps, after "
        r"([\d.]+) s until the first batch; ([\d.]+) ms of a core for a second of sound \((\d+)% here, "
        r"the rest in workers\), ([\d.]+) cores at this pace\n",
        printed,
    )
    assert found, printed
    share, steps, first, each, here, cores = map(float, found.groups())
    assert 0 <= share < 100 and steps >= 0.2 and first > 0
    assert 0 < here < 100
    assert each > 0 and cores == pytest.approx(each, abs=0.01)  # at 1000 s a second


def test_there_is_sound_for_all_seconds(monkeypatch):
    index_of = {}
    monkeypatch.setattr(
        waiting, "train", lambda index, options: index_of.update(i=index) or spend()
    )
    monkeypatch.setattr(
        sys, "argv", ["waiting", "--hours", "0.01", "--pace", "100", "--seconds", "3"]
    )
    waiting.main()
    sound = sum(float(d.sum()) for d in index_of["i"].durations)
    assert sound >= 300 and len(index_of["i"].names) == len(index_of["i"].durations)


def spend() -> waiting.Spent:
    return waiting.Spent(sound=1.0, first=1.0, trained=1.0, core=1.0)


def test_processes_that_have_ended_count() -> None:
    _, before = waiting.cores()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert waiting.cores()[1] - before > 0.03
