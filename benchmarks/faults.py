"""Kill -9 at random moments of training: every restart resumes, and the end is the same to the bit.

    python -m benchmarks.faults --kills 50
    python -m benchmarks.faults --kills 50 --signal TERM

Trains the debug recipe of speech recognition on a small embedded corpus, once without interruption
and then as often as it takes to be killed so many times. Half of the kills come after a random time,
the others as soon as a draft of a checkpoint or model is seen on disk. Before each restart the step in
the checkpoint is read, and the restart must say that it goes on there: a training that began anew would
come to the same end. At each end weights, averages, optimiser, random states, position, best model and
history are compared with those of the first run. A process that ends in any other way than the signal
asks for, such as by a segmentation fault, ends all; so does a damaged checkpoint.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, NoReturn

import torch
import torch._dynamo  # once, not in every process as it makes its optimiser

from audio_rnn import config as configs
from audio_rnn import storage
from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.runs.checkpoint import load_state
from audio_rnn.runs.history import read_history
from audio_rnn.runs.position import Position
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.prepare_default import Options, prepare
from recipes.speech_recognition.train import train

CONFIG = Path(__file__).parents[1] / "conf/speech_recognition/debug.yaml"
STALLED = 300  # seconds after which a process has hung
ENDS = {  # statuses; SIGTERM saves, or finds nothing to save yet
    signal.SIGKILL: {-signal.SIGKILL},
    signal.SIGTERM: {0, -signal.SIGTERM},
    signal.SIGINT: {128 + signal.SIGINT},
}
RESUMED = "resumed at the step that was saved"
EARLY = "stopped again before it was read"
NOTHING = "with no state saved yet"
ANEW = "NOT resumed"
TRAINED = "trained already; nothing is left to do"


@dataclass(frozen=True)
class Arguments:
    """How often, and what."""

    kills: int = 50
    signal: Literal["KILL", "TERM", "INT"] = "KILL"
    utterances: int = 60  # of the training corpus
    epochs: int = 6
    save_every: int = 2  # steps
    seed: int = 0  # of the moments


@dataclass
class Survived:
    """What the kills hit, what each restart made of the state it found, and how the runs ended."""

    hits: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    ends: list[bool] = field(default_factory=list)  # of each killed run: as the whole one did

    @property
    def fine(self) -> bool:
        """Whether every restart resumed that could, and every run ended as the whole one."""
        return all(self.ends) and not self.restarts[ANEW]

    def __str__(self) -> str:
        hits, restarts = (
            f"{of.total()} {name}: {', '.join(f'{n} {what}' for what, n in of.most_common())}\n"
            for name, of in (("kills", self.hits), ("restarts", self.restarts))
        )
        return (
            f"{hits}{restarts}"
            f"{sum(self.ends)} of {len(self.ends)} killed runs ended with the state, model and "
            "history of the whole one"
        )


def main() -> int:
    """Print what was hit and how many restarts resumed; 1 when one did not, or ended elsewhere."""
    arguments = from_command_line(Arguments, "Kill -9 at random moments of training.")
    torch.set_num_threads(1)
    # A shell lets what it starts in the background ignore Ctrl-C, and a training leaves that so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = arguments.utterances
        prepare(Options(folder / "data", count, valid_utterances=10, test_utterances=2))
        config = recipe(folder, arguments)
        survived = survive(
            lambda run: train(replace(config, run_dir=run)),
            folder, arguments.kills, arguments.seed, signal.Signals[f"SIG{arguments.signal}"],
        )  # fmt: skip
    print(f"SIG{arguments.signal}, {survived}")
    return 0 if survived.fine else 1


def recipe(folder: Path, arguments: Arguments) -> RecipeConfig:
    """The debug config with a few steps an epoch, and saves inside epochs."""
    config = configs.load(RecipeConfig, CONFIG)
    return replace(
        config,
        data=folder / "data",
        batches=replace(config.batches, seconds=12.0),
        training=replace(
            config.training, epochs=arguments.epochs, save_every=arguments.save_every, device="cpu"
        ),
    )


def survive(
    work: Callable[[Path], object],
    folder: Path,
    kills: int,
    seed: int,
    number: signal.Signals = signal.SIGKILL,
) -> Survived:
    """Train once without a kill, and then in as many runs as so many kills take.

    `work` trains in a run folder that it is given. Raises: RuntimeError when it fails by itself, does
    not end as the signal asks for, or leaves a damaged checkpoint.
    """
    draw = random.Random(seed)
    longest = patience(work, folder / "whole")
    survived = Survived()
    while survived.hits.total() < kills:
        run = folder / f"killed{len(survived.ends)}"
        hit = life(work, run, draw, longest, number)
        while hit:
            survived.hits[hit] += 1
            found, told = Found.of(run), f"kill {survived.hits.total()}: {hit}"
            again = survived.hits.total() < kills
            hit = life(work, run, draw, longest, number) if again else finish(start(work, run))
            outcome = found.became(run, hit)
            survived.restarts[outcome] += 1
            print(f"{told}; saved: {found.position}; restart: {outcome}", flush=True)
        survived.ends.append(equal(folder / "whole", run))
    return survived


@dataclass(frozen=True)
class Found:
    """What a restart finds in its run folder."""

    position: Position | None  # in the checkpoint, if there is one
    history: list[dict[str, Any]]
    lines: int  # of the log

    @classmethod
    def of(cls, run: Path) -> Found:
        """Raises: RuntimeError for a damaged checkpoint, which no kill may leave."""
        state = load_state(run / "checkpoint", _damaged)
        position = Position(**state["position"]) if state else None
        return cls(position, list(read_history(run)), len(log(run)))

    def became(self, run: Path, hit: str) -> str:
        """What the restart made of it, which came to its end or to the next `hit`.

        One that told nothing has not come so far if it has taken no step: it has left the history as
        it was, or without what follows the position.
        """
        if not self.position:
            return NOTHING
        for told in log(run)[self.lines :]:
            return RESUMED if told in (f"going on at {self.position}", TRAINED) else ANEW
        unchanged = list(read_history(run)) in (self.history, self._kept(self.position))
        return EARLY if unchanged and not hit.startswith("while") else ANEW

    def _kept(self, position: Position) -> list[dict[str, Any]]:
        """The history up to the position."""
        return [
            entry
            for entry in self.history
            if entry["step"] <= position.step
            and not ("train_loss" in entry and entry["epoch"] >= position.epoch)
        ]


def _damaged(message: str) -> NoReturn:
    raise RuntimeError(message)


def log(run: Path) -> list[str]:
    """The lines of `train.log`."""
    path = run / "train.log"
    return path.read_text().splitlines() if path.exists() else []


def patience(work: Callable[[Path], object], run: Path) -> float:
    """Train in `run` to the end: seconds in which to kill others, before their first step as often as
    after it, however long a process takes to come there."""
    began = time.monotonic()
    process = start(work, run)
    while not list(read_history(run)) and not ended(process):
        time.sleep(0.0005)
    beginning = time.monotonic() - began
    finish(process)
    return 2 * beginning + (time.monotonic() - began) / 12


def life(
    work: Callable[[Path], object],
    run: Path,
    draw: random.Random,
    longest: float,
    number: signal.Signals,
) -> str:
    """Train in `run` and be killed: what was hit; nothing when it came to its end before."""
    aimed, wait = draw.random() < 0.5, draw.uniform(0, longest)
    process, began = start(work, run), time.monotonic()
    while time.monotonic() - began < wait or (aimed and not drafts(run, process)):
        if ended(process):
            return ""
        time.sleep(0.0005)
    assert process.pid
    os.kill(process.pid, number)
    process.join()
    if process.exitcode in ENDS[number]:
        return place(run, process)
    if process.exitcode:
        raise RuntimeError(f"{number.name} ended a training with status {process.exitcode}")
    return ""  # it was just done


def drafts(run: Path, process: BaseProcess) -> list[Path]:
    """What this process is writing; those before it may have left drafts, too."""
    found: list[Path] = []
    for part in ("checkpoint", "model"):
        with suppress(FileNotFoundError):  # the folder was moved aside meanwhile
            found += (run / part).glob(f".*.{process.pid}")
    return found


def place(run: Path, process: BaseProcess) -> str:
    """Where a killed process was."""
    if found := drafts(run, process):
        return f"while {found[0].parent.name} was written"
    history = list(read_history(run))
    if not history:
        return "before the first step"
    return "after an epoch" if "train_loss" in history[-1] else "inside an epoch"


def start(work: Callable[[Path], object], run: Path) -> BaseProcess:
    """A process that trains in `run`, with this one's imports; what it says goes to a file."""
    run.mkdir(exist_ok=True)
    process = get_context("fork").Process(target=_live, args=(work, run))
    process.start()
    return process


def _live(work: Callable[[Path], object], run: Path) -> None:
    log = os.open(run / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())

    def command() -> None:
        work(run)

    run_command(command)


def ended(process: BaseProcess) -> bool:
    """Whether it came to its end by itself. Raises: RuntimeError when it failed."""
    if process.exitcode:
        raise RuntimeError(f"a training failed: status {process.exitcode}")
    return process.exitcode == 0


def finish(process: BaseProcess) -> str:
    """Wait for the end, which no kill hits. Raises: RuntimeError when it failed or hangs."""
    process.join(STALLED)
    if not ended(process):
        process.kill()
        raise RuntimeError(f"a training hangs after {STALLED} s")
    return ""


def equal(whole: Path, killed: Path) -> bool:
    """Whether two runs left the same state, model and history, to the bit."""
    stored = [
        all(same(whole / name, killed / name, name) for name in ("checkpoint", "model")),
        list(read_history(whole)) == list(read_history(killed)),
    ]
    return all(stored)


def same(one: Path, other: Path, name: str) -> bool:
    """Whether two folders hold the same values and tensors."""
    (values, tensors), (others, theirs) = (storage.load(folder, name) for folder in (one, other))
    return (
        values == others
        and tensors.keys() == theirs.keys()
        and all(torch.equal(tensors[key], theirs[key]) for key in tensors)
    )


if __name__ == "__main__":
    sys.exit(main())
