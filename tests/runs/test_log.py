"""What a training tells of how it goes on this machine."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audio_rnn.distributed.processes import Process
from audio_rnn.runs import log, meter
from audio_rnn.runs.meter import Meter
from audio_rnn.runs.signals import Interrupted
from tests.engine.test_trainer import BASE, Stopping, train
from tests.engine.toy import ToyBatches

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  epoch (\d+)  step (\d+)  loss [\d.]+  gradient [\d.e+-]+  "
    r"rate [\d.e+-]+  [\d,]+ frames/s  padding 0\.0%  waiting [\d.]+%  memory [\d.]+ GB"
)


def test_a_line_an_interval_and_one_of_scores_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a file, and on standard error as plain lines where that is no terminal."""
    monkeypatch.setattr(meter, "INTERVAL", 0.0)
    train(tmp_path, replace(BASE, epochs=2))
    lines = (tmp_path / "train.log").read_text().splitlines()
    steps = [found for line in lines if (found := LINE.fullmatch(line))]
    scores = [line for line in lines if line.startswith("epoch")]
    # What became of a step is known with the next one; two are told at the end of an epoch.
    assert len(steps) == 8 and len(scores) == 2 and len(lines) == 10
    assert set(lines) <= set(capsys.readouterr().err.splitlines())


def test_speed_padding_and_waiting_are_those_of_the_interval() -> None:
    batch = next(ToyBatches().epoch(1))  # 8 items of 6 frames
    padded = replace(batch, padding=0.25)
    measured = Meter(Process(0, 2, torch.device("cpu")))

    def slow():
        yield batch
        time.sleep(0.2)
        yield padded

    for _ in measured.measured(slow()):
        time.sleep(0.2)
    assert 0.6 <= measured.seconds < 5 and 0.2 <= measured.waiting < measured.seconds - 0.3
    entry = {"epoch": 3, "step": 7, "mean_loss": 1.0, "grad_norm": 2.0, "rate": 0.1}
    speed, share = 2 * 96 / measured.seconds, 1 - 96 / (48 + 64)
    line = measured.line(entry)
    assert f"epoch 3  step 7  loss 1.0000  gradient 2  rate 1.00e-01  {speed:,.0f} frames/s" in line
    assert f"padding {share:.1%}" in line
    assert not measured.due and measured.size == 0


def test_curves_are_drawn_while_training_goes_on_but_not_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all epochs, also those before an interruption."""
    drawn: list[list[int]] = []
    monkeypatch.setattr(
        log, "draw_curves", lambda epochs, *_: drawn.append([e["epoch"] for e in epochs])
    )
    config = replace(BASE, epochs=5)
    with pytest.raises(Interrupted):
        train(tmp_path, config, Stopping(2, 1))
    assert not drawn  # epochs are short
    monkeypatch.setattr(log, "PICTURE", 0.0)
    with pytest.raises(Interrupted):
        train(tmp_path, config, Stopping(4, 1))
    assert drawn == [[1, 2], [1, 2, 3]]
    train(tmp_path, config)
    assert drawn[2:] == [[1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]
