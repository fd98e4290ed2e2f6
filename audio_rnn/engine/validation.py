"""Scores on held-out data: taken with the averaged weights, judged, the best model kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import torch

from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Task
from audio_rnn.models.folder import write_model
from audio_rnn.runs.folder import writing
from audio_rnn.runs.position import Position

Scores = dict[str, float]


def evaluate(task: Task, state: State, batches: Iterable[Batch]) -> Scores:
    """Scores of the averaged weights."""
    task.model.eval()
    with state.average.applied(), torch.no_grad():
        return task.evaluate(batch.to(state.process.device) for batch in batches)


def judge(task: Task, scores: Scores, position: Position, config: TrainingConfig) -> bool:
    """Take in scores: best so far (returned), rate on a plateau, early stopping."""
    better = is_better(task, scores, position)
    if better:
        position.best, position.best_loss = scores[task.monitor], _loss(scores)
        position.best_epoch = position.epoch
    position.stale = 0 if better else position.stale + 1
    stalled = position.stale > 0 and position.stale % config.plateau_epochs == 0
    if config.schedule == "plateau" and stalled:
        position.rate_scale /= 2
    position.stopped = config.patience is not None and position.stale >= config.patience
    return better


def is_better(task: Task, scores: Scores, position: Position) -> bool:
    """Whether the monitored score beats the best one before it, and no score is broken.

    Of equal scores the one with the lower validation loss is better: an error rate can stand still
    for epochs in which much is learned. Weights that are not finite can still decode to something,
    such as nothing but blanks.
    """
    score, best = scores[task.monitor], position.best
    if not math.isfinite(score) or any(map(math.isnan, scores.values())):
        return False
    sign = 1 if task.better == "lower" else -1
    return best is None or (sign * score, _loss(scores)) < (sign * best, position.best_loss)


def keep_model(task: Task, state: State, scores: Scores, folder: Path) -> None:
    """Write the model with averaged weights. Raises: TrainingError when the disk refuses."""
    facts = {"epoch": state.position.epoch, "scores": scores}
    with state.average.applied(), writing(folder):
        write_model(folder, task.model, {**task.describe(), **facts})


def _loss(scores: Scores) -> float:
    return scores.get("loss", math.inf)
