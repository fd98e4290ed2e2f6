"""The history in a run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.errors import TrainingError
from audio_rnn.runs.history import append_history, cut_history, read_history


@pytest.mark.parametrize(
    "line",
    ["\xff", '{"epoch": 1}', '{"step": "7", "epoch": 1}', "[1]", "note", "{}}", '{"epoch": 1, "st'],
)
def test_a_line_that_training_has_not_written_is_named(tmp_path: Path, line: str) -> None:
    append_history(tmp_path, {"epoch": 1, "step": 1})
    with (tmp_path / "history.jsonl").open("a", encoding="latin-1") as file:
        file.write(line + "\n")
    append_history(tmp_path, {"epoch": 1, "step": 2})
    with pytest.raises(TrainingError, match=r"history\.jsonl:2: found .*; delete the line"):
        cut_history(tmp_path, 1, 5)


def test_what_is_written_again_is_cut_and_so_is_half_a_line(tmp_path: Path) -> None:
    steps = [{"epoch": 1, "step": 1}, {"epoch": 1, "step": 2}]
    ends = [{"epoch": n, "step": 2 * n, "train_loss": 0.5} for n in (1, 2)]
    entries = [*steps, ends[0], {"epoch": 2, "step": 4}, ends[1]]
    for epoch, step, kept in ((3, 4, 5), (2, 4, 4), (2, 3, 3), (2, 2, 3), (1, 2, 2), (1, 0, 0)):
        (tmp_path / "history.jsonl").unlink(missing_ok=True)
        for entry in entries:
            append_history(tmp_path, entry)
        with (tmp_path / "history.jsonl").open("a") as file:
            file.write('{"epoch": 3, "st')
        cut_history(tmp_path, epoch, step)
        assert list(read_history(tmp_path)) == entries[:kept]
        append_history(tmp_path, entries[-1])
        assert list(read_history(tmp_path)) == [*entries[:kept], entries[-1]]
