"""benchmarks.recurrent: its contenders agree, on the CPU and on a GPU."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import pytest
import torch

from audio_rnn.threads import use_threads
from benchmarks import recurrent
from benchmarks.recurrent import Case
from tests.simulated_gpu import simulated_gpu

pytestmark = pytest.mark.usefixtures("speechbrain_unseen")
TINY = (Case("tiny", items=3, frames=5, inputs=4, layers=2, hidden=6),)


@pytest.mark.parametrize(
    "options",
    ["", "--threads 2 --no-bidirectional", "--device cuda", "--device cuda --precision fp16"],
)
def test_a_row_for_each_contender(options, capsys, monkeypatch):
    monkeypatch.setattr(recurrent, "CASES", dict.fromkeys(("cpu", "cuda"), TINY))
    monkeypatch.setattr(sys, "argv", ["recurrent", "--rounds", "1", *options.split()])
    with (
        simulated_gpu() if "cuda" in options else nullcontext() as gpu,
        torch.backends.mkldnn.flags(enabled=False),  # which has no LSTM of fp16
    ):
        recurrent.main()
    printed = capsys.readouterr().out
    assert printed.count("│ RecurrentStack ") == printed.count("│ torch, packed") == 2
    assert printed.count("│ in two streams") == (2 if gpu else 0)
    assert printed.count("│ RecurrentStack, one") == (2 if "threads" in options else 0)
    use_threads(1)
    if gpu is not None:
        assert "cuda, " in printed
        assert any("synchronize" in wait.what for wait in gpu.waits)  # before the clock is read


def test_other_weights_are_found_out(monkeypatch):
    monkeypatch.setattr(recurrent, "copy_weights", lambda ours, theirs: None)
    with pytest.raises(AssertionError, match="do not agree"):
        recurrent.compare("lstm", TINY[0], recurrent.Options(rounds=1), torch.device("cpu"))


def test_a_gpu_meets_batches_that_its_fast_kernels_take_and_others():
    items = [case.items % 8 == 0 for case in recurrent.CASES["cuda"]]
    assert items == [True, False]
