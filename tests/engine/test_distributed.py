import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audio_rnn import storage
from audio_rnn.runs.history import read_history

REPO = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
import torch
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.distributed.processes import stop
from audio_rnn.distributed.sums import over_all
from audio_rnn.engine.trainer import Trainer
from tests.engine.test_distributed import assert_alone
from tests.engine.toy import ToyBatches, ToyTask
torch.set_num_threads(1)
class Measuring(ToyTask):
    def losses(self, batch):
        if self.model.training:
            self.model.level.lerp_(over_all(batch.x.square().sum()), 0.1)
        return super().losses(batch)
task = Measuring(torch.float64, dropout=0.0, poison=sys.argv[2] or None)
task.model.register_buffer("level", torch.zeros((), dtype=torch.float64))
config = TrainingConfig(epochs=3, rate=1e-2, device="cpu", patience=5)
trainer = Trainer(task, config, Path(sys.argv[1]))
p = trainer.process
trainer.fit(ToyBatches(p.rank, p.world, torch.float64, items=17), ToyBatches(dtype=torch.float64))
stop()
assert_alone()
"""

RESUMED = """
import os, signal, sys
from pathlib import Path
import torch
from audio_rnn.distributed.processes import stop
from audio_rnn.runs.signals import Terminated
from tests.engine.test_trainer import Stopping, train
torch.set_num_threads(1)
folder = Path(sys.argv[1])
train(folder / "whole", dropout=0.5)
for at in ((2, 2, signal.SIGTERM), (3, 1, signal.SIGINT)):
    batches = Stopping(*at) if os.environ["RANK"] == "1" else None
    try:
        train(folder / "parts", batches=batches, dropout=0.5)
    except Terminated:  # ends with status 0: after another, torchrun would start all again
        continue
    raise AssertionError("a signal to one process stops all")
train(folder / "parts", dropout=0.5)
stop()
"""

UNREADABLE = """
import sys
from pathlib import Path
import torch
from audio_rnn.distributed.processes import stop
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import InputError
from tests.engine.test_trainer import BASE, Unreadable
from tests.engine.test_distributed import assert_alone
from tests.engine.toy import ToyBatches, ToyTask
torch.set_num_threads(1)
folder = Path(sys.argv[1])
trainer = Trainer(ToyTask(), BASE, folder)
try:
    trainer.fit((ToyBatches if trainer.process.first else Unreadable)(), ToyBatches())
except InputError as error:
    (folder / str(trainer.process.rank)).write_text(str(error))
    stop()
    assert_alone()
"""


def assert_alone() -> None:
    """No thread of gloo is left, which might abort the process at its exit."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    assert not [name for name in names if "gloo" in name]


def launch(run_dir: Path, processes: int, poison: str = "", code: str = SCRIPT) -> None:
    script = run_dir.with_suffix(".py")
    script.write_text(code)
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(start if processes > 1 else []), str(script), str(run_dir), poison]
    environment = {"PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("poison", "processes"), [("", 4), ("item3", 2)])
def test_several_processes_give_the_result_of_one_on_the_same_global_batches(
    tmp_path: Path, poison: str, processes: int
) -> None:
    """17 items in batches of 8, 8 and 1: in the last one all processes but the first are idle. A batch
    with a poisoned item changes no statistics, whichever process has it."""
    launch(tmp_path / "one", 1, poison)
    launch(tmp_path / "all", processes, poison)
    _, alone = storage.load(tmp_path / "one" / "model", "model")
    _, every = storage.load(tmp_path / "all" / "model", "model")
    assert all(torch.allclose(alone[name], every[name], rtol=0, atol=1e-12) for name in alone)
    histories = [list(read_history(tmp_path / run)) for run in ("one", "all")]
    steps = [[e["step"] for e in history if "rate" in e] for history in histories]
    assert steps[0] == steps[1] == list(range(1, 10))
    assert sum(e.get("grad_norm", 0) is None for e in histories[1]) == (3 if poison else 0)


def test_two_processes_go_on_with_their_own_random_numbers(tmp_path: Path) -> None:
    launch(tmp_path / "run", 2, code=RESUMED)
    whole, parts = (
        storage.load(tmp_path / "run" / name / "checkpoint", "checkpoint")[1]
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert "state.random_states.1.cpu" in whole


def test_a_file_that_one_process_cannot_read_stops_all_and_the_state_is_saved(
    tmp_path: Path,
) -> None:
    launch(tmp_path / "run", 2, code=UNREADABLE)
    messages = [(tmp_path / "run" / rank).read_text() for rank in "01"]
    assert messages == ["another process cannot read its data", "bad.wav: damaged"]
    values, _ = storage.load(tmp_path / "run" / "checkpoint", "checkpoint")
    position = dict(dict(values["state"]["items"])["position"]["items"])
    assert (position["epoch"], position["batch"]) == (2, 3)
