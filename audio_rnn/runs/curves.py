"""A picture of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audio_rnn.drafts import replacing


def draw_curves(epochs: list[dict[str, Any]], monitor: str, path: Path) -> None:
    """Loss and the monitored score against epochs, entries of a history, as PNG. Raises OSError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
