"""What a person sees of a training: a progress line and lines of scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import Position
from audio_rnn.errors import ConfigError


class Display:
    """A progress bar on a terminal, a plain line an epoch elsewhere, nothing when not `shown`."""

    def __init__(self, batches: int, shown: bool) -> None:
        self.console = Console(stderr=True, quiet=not shown)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[score]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not (shown and self.console.is_terminal),
        )
        self.writer: Any = None
        self.bar = self.progress.add_task("training", total=batches, loss=float("nan"), score="")

    def __enter__(self) -> Display:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        if self.writer is not None:
            self.writer.close()

    def step(self, done: int, epoch: int, loss: float) -> None:
        """Move the bar to `done` batches."""
        self.progress.update(self.bar, completed=done, loss=loss, description=f"epoch {epoch}")

    def scores(self, epoch: int, loss: float, scores: dict[str, float], best: bool) -> str:
        """Set the bar's scores to those of an epoch, and give a line of them."""
        text = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        self.progress.update(self.bar, score=f"valid: {text}")
        return f"epoch {epoch:3d}  train loss {loss:.4f}  valid: {text}{'  *' if best else ''}"

    def detail(self, line: str) -> None:
        """A line where there is no bar."""
        if self.progress.disable:
            self.say(line)

    def say(self, message: str) -> None:
        """A line of its own."""
        self.console.print(message, highlight=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        """A line that every process prints."""
        console = Console(stderr=True) if self.console.quiet else self.console
        console.print(message, highlight=False, soft_wrap=True)

    def tensorboard(self, folder: Path, step: int, entry: Mapping[str, float]) -> None:
        """The numbers of a history entry as TensorBoard scalars."""
        if self.writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise ConfigError(
                    "training.tensorboard: found true, but tensorboard is not installed; "
                    "pip install 'audio-rnn[tensorboard]'"
                ) from None
            self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step)
        for name, value in entry.items():
            self.writer.add_scalar(name, value, step)


def ending(position: Position, config: TrainingConfig, monitor: str, folder: Path) -> str:
    """How a training ended, and what it leaves in its run folder."""
    early = (
        f", stopped early: {monitor} got no better for training.patience ({config.patience}) "
        "validations"
    )
    trained = f"trained {position.epoch - 1} epochs{early if position.stopped else ''}"
    if config.keep == "last":
        return f"{trained}\nmodel of the last epoch in {folder / 'model'}"
    if position.best is None:
        return f"{trained}; no model was kept, since no {monitor} was finite"
    best = f"best: epoch {position.best_epoch}, {monitor} {position.best:.4f}"
    return f"{trained}\n{best}, model in {folder / 'model'}"
