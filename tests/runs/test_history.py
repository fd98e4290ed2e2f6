"""The history in a run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.errors import TrainingError
from audio_rnn.runs.history import append_history, cut_history


@pytest.mark.parametrize(
    "line", ['{"epoch": 1}', '{"step": "7", "epoch": 1}', "[1]", "note", "{}}", '{"epoch": 1, "st']
)
def test_a_line_that_training_has_not_written_is_named(tmp_path: Path, line: str) -> None:
    append_history(tmp_path, {"epoch": 1, "step": 1})
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write(line + "\n")
    append_history(tmp_path, {"epoch": 1, "step": 2})
    with pytest.raises(TrainingError, match=r"history\.jsonl:2: found .*; delete the line"):
        cut_history(tmp_path, 5)
