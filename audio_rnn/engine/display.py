"""What a person sees of a training: a progress line, lines of scores, a picture of the curves."""

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

    def scores(self, epoch: int, loss: float, scores: dict[str, float], best: bool) -> None:
        """Show the scores of an epoch."""
        text = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        self.progress.update(self.bar, score=f"valid: {text}")
        self.console.print(
            f"epoch {epoch:3d}  train loss {loss:.4f}  valid: {text}{'  *' if best else ''}",
            highlight=False,
        )

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


def draw_curves(history: list[dict[str, Any]], monitor: str, path: Path) -> None:
    """Loss and the monitored score against epochs, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    epochs = [e for e in history if "train_loss" in e]
    scored = [e for e in epochs if monitor in e]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    losses.plot([e["epoch"] for e in epochs], [e["train_loss"] for e in epochs], label="training")
    if scored and "loss" in scored[0]:
        losses.plot([e["epoch"] for e in scored], [e["loss"] for e in scored], label="validation")
    losses.set(xlabel="epoch", ylabel="loss")
    losses.legend()
    scores.plot([e["epoch"] for e in scored], [e[monitor] for e in scored], color="tab:green")
    scores.set(xlabel="epoch", ylabel=monitor, ylim=(0, None))
    figure.savefig(path, dpi=120)
