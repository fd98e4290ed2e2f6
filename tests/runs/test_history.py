"""The history in a run folder."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from audio_rnn.errors import TrainingError
from audio_rnn.runs.curves import draw_curves
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


def test_numbers_that_are_not_finite_leave_it_json(tmp_path: Path) -> None:
    append_history(tmp_path, {"epoch": 1, "step": 1, "grad_norm": math.inf, "loss": math.nan})
    assert "N" not in (tmp_path / "history.jsonl").read_text()
    assert list(read_history(tmp_path)) == [
        {"epoch": 1, "step": 1, "grad_norm": None, "loss": None}
    ]


def test_curves_have_gaps_where_a_score_is_none(tmp_path: Path) -> None:
    epochs = [{"epoch": n, "train_loss": 1.0, "wer": None if n == 2 else 0.5} for n in (1, 2, 3)]
    draw_curves(epochs, "wer", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


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
