"""All that a training tells while it runs, to a person and to its run folder."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from audio_rnn.distributed.processes import Process
from audio_rnn.runs import history
from audio_rnn.runs.bar import progress_bar
from audio_rnn.runs.curves import draw_curves
from audio_rnn.runs.folder import claimed, writing
from audio_rnn.runs.meter import Meter
from audio_rnn.runs.position import Position, ending
from audio_rnn.runs.scalars import Scalars

PICTURE = 60.0  # seconds between pictures at least: one takes 0.2 of the CPU, an epoch may take 1


class Voice(Console):
    """Standard error. A training goes on when nobody reads it any more; `train.log` has all."""

    def on_broken_pipe(self) -> None:
        """Nothing, where rich would end the process."""


class Log:
    """Within: holds the run folder, which gets `history.jsonl`, `train.log` and `curves.png`.

    Processes but the first only warn. All methods raise TrainingError when the disk refuses.
    """

    def __init__(self, folder: Path, process: Process, batches: int, tensorboard: bool) -> None:
        self.folder, self.first, self.tensorboard = folder, process.first, tensorboard
        self.console = Voice(stderr=True, quiet=not self.first)
        self.bar = progress_bar(self.console, batches)
        self.meter = Meter(process)  # of all batches, which a line sums up every ten seconds
        self.scalars: Scalars | None = None
        self.done = 0  # batches of the training, for the bar
        self.epochs: list[dict[str, Any]] = []  # what the history has of them
        self.drawn = time.monotonic()
        self._held = ExitStack()

    def __enter__(self) -> Log:
        """Raises: TrainingError when another training holds the folder."""
        if self.first:
            self._held.enter_context(claimed(self.folder))
        self._held.enter_context(self.bar)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def begin(self, position: Position) -> None:
        """Go on from there: what the history has of later steps is void."""
        if self.first:
            history.cut_history(self.folder, position.epoch, position.step)
            self.epochs = [e for e in history.read_history(self.folder) if "train_loss" in e]
            if self.tensorboard:
                scalars = Scalars(self.folder, position.step + 1)
                self.scalars = self._held.enter_context(closing(scalars))

    def step(self, entry: dict[str, Any]) -> None:
        """A step; `Meter.line` says what the entry has."""
        head, loss = f"epoch {entry['epoch']}", entry["mean_loss"]
        self.bar.update(self.bar.task_ids[0], completed=self.done, loss=loss, description=head)
        self._enter(entry)
        if self.meter.due:
            self.note(self.meter.line(entry), shown=self.bar.disable)

    def epoch(self, entry: dict[str, Any], scores: dict[str, float], best: bool) -> None:
        """An epoch, with its scores if it has any."""
        if scores:
            head = f"epoch {entry['epoch']:3d}  train loss {entry['train_loss']:.4f}"
            text = "valid: " + "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
            self.note(f"{head}  {text}{'  *' if best else ''}")
        self.epochs.append({**entry, **scores})
        self._enter(self.epochs[-1])

    def draw(self, monitor: str) -> None:
        """Draw the curves of the losses and of the monitored score, unless the picture is new."""
        if time.monotonic() - self.drawn > PICTURE:
            self._draw(monitor)

    def note(self, line: str, shown: bool = True) -> None:
        """A line for `train.log`, and for a person."""
        if shown:
            self.say(line)
        if self.first:
            history.append_line(self.folder / "train.log", line)

    def say(self, line: str) -> None:
        """A line for a person alone."""
        _tell(self.console, line)

    def warn(self, line: str) -> None:
        """The same of any process."""
        _tell(self.console if self.first else Voice(stderr=True), line)

    def flush(self) -> None:
        """Put the history on the disk."""
        if self.first:
            history.flush_history(self.folder)

    def end(self, position: Position, monitor: str, keep: Literal["best", "last"]) -> None:
        """Say how the training ended; draw its curves."""
        self._draw(monitor)
        self.say(ending(position, monitor, keep, self.folder / "model"))

    def _draw(self, monitor: str) -> None:
        if self.first:
            path = self.folder / "curves.png"
            with writing(path):
                draw_curves(self.epochs, monitor, path)
        self.drawn = time.monotonic()

    def _enter(self, entry: dict[str, Any]) -> None:
        if self.first:
            history.append_history(self.folder, entry)
        if self.scalars:
            self.scalars.add(entry)


def _tell(console: Console, line: str) -> None:
    with suppress(OSError):  # of a terminal that was closed
        console.print(line, highlight=False, soft_wrap=True)
