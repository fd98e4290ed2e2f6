"""Two machines, of which one loses its process in the middle of an epoch: the run goes on by itself.

The machines are network namespaces joined by a cable, where the system lets us make them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from audio_rnn import storage
from audio_rnn.distributed import processes
from audio_rnn.distributed.processes import Process
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import TrainingError
from tests.engine.toy import ToyBatch, ToyBatches, ToyTask

REPO = Path(__file__).parents[2]
NETWORK = f"10.{os.getpid() // 250 % 250}.{os.getpid() % 250}"
SCRIPT = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
from audio_rnn.distributed.processes import stop
from tests.engine.test_trainer import BASE, train
from tests.engine.toy import ToyBatches
torch.set_num_threads(1)
folder = Path(sys.argv[1])
class Killing(ToyBatches):
    def epoch(self, epoch, start=0):
        for i, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, i, self.rank) == (2, 3, int(sys.argv[2])) and not (folder / "killed").exists():
                (folder / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch
who = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
config = replace(BASE, epochs=3, save_every=2)
train(folder / "whole", config, ToyBatches(*who, items=37), dropout=0.5)
train(folder / "parts", config, Killing(*who, items=37), dropout=0.5)
stop()
"""


def ip(*words: str) -> bool:
    """Whether a command of `ip` goes well."""
    try:
        return subprocess.run(["ip", *words], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def machines() -> Iterator[list[tuple[list[str], str, str]]]:
    """Of each: the command that leads to it, its address, its network interface."""
    names = [f"audio-rnn-{os.getpid()}-{n}" for n in range(2)]
    made = all(ip("netns", "add", name) for name in names)
    ends = [f"cable{os.getpid() % 10**7}{end}" for end in "ab"]
    cable = ["type", "veth", "peer", "name", ends[1], "netns", names[1]]
    made = made and ip("link", "add", ends[0], "netns", names[0], *cable)
    for n, (name, end) in enumerate(zip(names, ends)):
        made = made and ip("-n", name, "addr", "add", f"{NETWORK}.{n + 1}/24", "dev", end)
        made = made and all(ip("-n", name, "link", "set", which, "up") for which in (end, "lo"))
    try:
        if made:
            every = enumerate(zip(names, ends))
            yield [(["ip", "netns", "exec", a], f"{NETWORK}.{n + 1}", b) for n, (a, b) in every]
        else:  # not allowed here: two agents side by side
            yield [([], f"127.0.0.{n}", "lo") for n in (1, 2)]
    finally:
        for name in names:
            ip("netns", "del", name)


@pytest.mark.parametrize("rank", [0, 1])  # the first keeps the state, for all
def test_a_killed_process_comes_back_and_the_result_is_that_of_an_uninterrupted_run(
    tmp_path, machines, rank
):
    (tmp_path / "script.py").write_text(SCRIPT)
    port = 20000 + os.getpid() % 10000
    agents = []
    for lead, address, interface in machines:
        rendezvous = [f"--rdzv-endpoint={machines[0][1]}:{port}", "--rdzv-id=test"]
        rendezvous.append(f"--rdzv-conf=is_host={int(not agents)}")  # no name leads to a namespace
        size = ["--nnodes=2", "--nproc-per-node=1", "--max-restarts=3", "--rdzv-backend=c10d"]
        start = ["-m", "torch.distributed.run", *size, *rendezvous, f"--local-addr={address}"]
        script = [str(tmp_path / "script.py"), str(tmp_path), str(rank)]
        command = [*lead, sys.executable, *start, *script]
        names = {"PYTHONPATH": str(REPO), "GLOO_SOCKET_IFNAME": interface, "OMP_NUM_THREADS": "1"}
        log = (tmp_path / f"log{len(agents)}").open("w")
        environment = {**os.environ, **names}
        agents.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
    try:
        codes = [agent.wait(timeout=300) for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    told = "".join((tmp_path / f"log{n}").read_text() for n in range(2))
    assert codes == [0, 0], told
    assert "exitcode: -9" in told
    assert "another process of this training is lost; torchrun starts all" in told
    assert "going on at epoch 2, step 8" in told
    whole, parts = (
        storage.load(tmp_path / name / "checkpoint", "checkpoint")[1] for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_processes_that_see_different_data_stop_instead_of_waiting(monkeypatch):
    monkeypatch.setattr(processes, "from_all", lambda value, process: [value, 7])
    process = Process(0, 2, torch.device("cpu"))
    assert processes.agreed(7, "batches", process) == 7
    with pytest.raises(TrainingError, match="found 9, 7 batches in the processes"):
        processes.agreed(9, "batches", process)


def test_after_an_error_between_batches_nothing_goes_on_reading(tmp_path, monkeypatch):
    """Such as that of a lost connection: worker processes would keep the process from its end."""
    closed = []

    class Noting(ToyBatches):
        def epoch(self, epoch: int, start: int = 0) -> Iterator[ToyBatch]:
            try:
                yield from super().epoch(epoch, start)
            finally:
                closed.append(epoch)

    found = iter([0, 0])
    monkeypatch.setattr(processes, "highest", lambda value, process: next(found))
    with pytest.raises(RuntimeError, match="StopIteration") as error:
        Trainer(ToyTask(), TrainingConfig(device="cpu"), tmp_path).fit(Noting(), ToyBatches())
    assert error.traceback
    assert closed == [1]
