"""What is said of a training that came to nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audio_rnn.runs.position import Position
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.outcome import report_outcome

BATCHES: Any = SimpleNamespace(durations=np.full(40, 90.0))


def told(capsys: pytest.CaptureFixture[str], best: float | None, silent: bool = False) -> str:
    end = Position(best=best, step=700)
    report_outcome(RecipeConfig(init=Path("runs/parent"), data=Path("none")), end, BATCHES, silent)
    return capsys.readouterr().err


def test_a_useless_model(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, 0.93)
    assert "word error rate of 93% after 700 steps on 40 utterances, 1.00 h" in said
    assert "--init" not in said and "blanks" not in said
    assert said.endswith("none: has no data to test or validate with, so no score is known\n")
    assert "still writes only blanks" in told(capsys, 1.0, silent=True)


def test_a_useful_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, 0.89).count("\n") == 1


def test_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert not told(capsys, None)
