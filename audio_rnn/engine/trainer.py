"""The only training loop. It knows no task: see `task.py` for all that it asks of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from audio_rnn.engine import checkpoint, distributed, run_folder
from audio_rnn.engine.averaging import Average
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.display import Display, draw_curves
from audio_rnn.engine.interrupt import Interrupted, Interrupts
from audio_rnn.engine.position import Position
from audio_rnn.engine.schedule import rate_factor
from audio_rnn.engine.task import Batch, Batches, Task, Truncated
from audio_rnn.engine.validation import judge, validate
from audio_rnn.errors import ConfigError, TrainingError

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Trainer:
    """Trains a task in a run folder, or goes on with what is there.

    The folder gets `checkpoint/` (the last state), `model/` (the best model), `history.jsonl`
    and `curves.png`.
    """

    def __init__(self, task: Task, config: TrainingConfig, run_dir: Path) -> None:
        self.task, self.config, self.run_dir = task, config, run_dir
        self.position = Position()
        if config.threads:
            torch.set_num_threads(config.threads)
        self.process = distributed.start(config.device)
        if config.precision == "fp16" and self.process.device.type == "cpu":
            raise ConfigError("training.precision: found fp16 on the CPU, expected bf16 or float32")
        task.model.to(self.process.device)
        self.optimizer = make_optimizer(task.model, config)
        self.average = Average(task.model, config)
        self.scaler = torch.amp.GradScaler(
            self.process.device.type, enabled=config.precision == "fp16"
        )

    def fit(self, train: Batches, valid: Batches) -> Position:
        """Train to the end, to early stopping or to an interrupt.

        Raises: TrainingError (losses not finite, folder in use, disk full), Interrupted.
        """
        claim = run_folder.claimed(self.run_dir) if self.process.first else nullcontext()
        with claim, Interrupts() as self.interrupts:
            self.losses = distributed.shared_losses(self.task, self.process)
            self._resume()
            total = self.config.epochs * train.steps(1)
            with Display(total, self.process.first) as self.display:
                if self.position.step:
                    self.display.say(
                        f"going on at epoch {self.position.epoch}, step {self.position.step}"
                    )
                while self.position.epoch <= self.config.epochs and not self.position.stopped:
                    self._epoch(train)
                    self._after_epoch(valid)
            if self.process.first:
                curves = self.run_dir / "curves.png"
                draw_curves(run_folder.read_history(self.run_dir), self.task.monitor, curves)
        return self.position

    def _epoch(self, train: Batches) -> None:
        self.task.model.train()
        waiting, self.loss = 0, 0.0  # batches, and their losses, that the next step takes
        self.batches = train.steps(self.position.epoch)
        for batch in train.epoch(self.position.epoch, self.position.batch):
            batch = batch.to(self.process.device)
            for piece in self._pieces(batch):
                waiting += self._backward(piece)
                if waiting == self.config.accumulate:
                    self._step(batch.ids, waiting)
                    waiting = 0
            self.position.batch += 1
            if not waiting:
                self._between_batches()
        if waiting:
            self._step(batch.ids, waiting)

    def _pieces(self, batch: Batch) -> Iterator[Batch]:
        if self.config.truncate is None:
            return iter([batch])
        if not isinstance(batch, Truncated):
            raise ConfigError(
                f"training.truncate: found {self.config.truncate}, but this task cannot be trained "
                "piece by piece; leave it out"
            )
        return batch.pieces(self.config.truncate)

    def _backward(self, batch: Batch) -> bool:
        """Add a batch's gradient; False when its loss is not finite and it was skipped."""
        with torch.autocast(
            self.process.device.type,
            AUTOCAST.get(self.config.precision),
            enabled=self.config.precision != "float32",
        ):
            losses = torch.stack(list(self.losses(batch).values())).sum(dim=0)  # (items,)
        bad = [name for name, fine in zip(batch.ids, losses.isfinite().tolist()) if not fine]
        if distributed.anywhere(bool(bad), self.process):
            self._skip("loss", bad)
            return False
        # DDP averages over processes, so that each one's share counts `world` times.
        loss = (losses * batch.weights).sum() * self.process.world / batch.total
        self.scaler.scale(loss).backward()
        self.loss += float(loss.detach())
        return True

    def _skip(self, what: str, names: list[str]) -> None:
        """Count a loss or gradient that is not finite, and stop when there are too many."""
        self.position.skipped += 1
        shown = ", ".join(names[:5])
        if names:  # in the process that has them
            self.display.warn(f"{what} not finite, batch skipped: {shown}")
        if self.position.skipped > self.config.skip_limit:
            raise TrainingError(
                f"{self.position.skipped} batches with a {what} that is not finite, last with {shown or 'others'}; "
                f"expected at most {self.config.skip_limit}: check these items, lower training.rate "
                f"({self.config.rate}) or training.clip ({self.config.clip})"
            )

    def _step(self, ids: list[str], count: int) -> None:
        """Clip and apply the mean gradient of `count` batches, the last of them with items `ids`."""
        position, config = self.position, self.config
        rate = (
            config.rate
            * position.rate_scale
            * rate_factor(config.schedule, self._progress(), config.warmup)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimizer)
        divide_gradients(self.task.model, count)
        layers = layer_norms(self.task.model) if config.log_layers else {}
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), config.clip)
        if norm.isfinite() or self.scaler.is_enabled():  # a scaler skips such steps itself
            self.scaler.step(self.optimizer)
        else:
            self._skip("gradient", ids)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        position.step += 1
        position.steps += 1
        position.loss_sum += self.loss / count
        self.loss = 0.0
        self.average.after_step(position.step)
        mean = position.loss_sum / position.steps
        done = (position.epoch - 1) * self.batches + position.batch + 1
        self.display.step(done, position.epoch, mean)
        self._log({"rate": rate, "grad_norm": float(norm), "mean_loss": mean, **layers})

    def _progress(self) -> float:
        """Share of the training that is done. Counts batches: how many steps there will be in
        all, truncation, accumulation and skipped batches leave open."""
        done = self.position.batch / self.batches
        return min(1.0, (self.position.epoch - 1 + done) / self.config.epochs)

    def _between_batches(self) -> None:
        position = self.position
        if distributed.anywhere(self.interrupts.received is not None, self.process):
            self._save()
            raise Interrupted(
                f"stopped at epoch {position.epoch}, step {position.step}; state saved in {self.run_dir}, "
                "run the same command to go on",
            )
        if self.config.save_every and position.step % self.config.save_every == 0:
            self._save()

    def _after_epoch(self, valid: Batches) -> None:
        position, config = self.position, self.config
        self.average.after_epoch()
        entry: dict[str, Any] = {"train_loss": position.loss_sum / max(position.steps, 1)}
        if position.epoch % config.validate_every == 0 or position.epoch == config.epochs:
            scores = self._validate(valid)
            best = judge(self.task, scores, position, config)
            self.display.scores(position.epoch, entry["train_loss"], scores, best)
            entry |= scores
        self._log(entry)
        position.epoch, position.batch = position.epoch + 1, 0
        position.steps, position.loss_sum = 0, 0.0
        self._save()

    def _validate(self, valid: Batches) -> dict[str, float]:
        """Scores of the averaged weights, taken in the first process and known in all."""
        scores: dict[str, float] = {}
        if self.process.first:
            batches = (batch.to(self.process.device) for batch in valid.epoch(0))
            scores = validate(
                self.task, self.average, batches, self.position, self.run_dir / "model"
            )
        return distributed.from_first(scores, self.process)

    def _log(self, entry: dict[str, Any]) -> None:
        if self.process.first:
            head = {"epoch": self.position.epoch, "step": self.position.step}
            run_folder.append_history(self.run_dir, {**head, **entry})
            if self.config.tensorboard:
                self.display.tensorboard(self.run_dir, self.position.step, entry)

    def _save(self) -> None:
        mine, *others = distributed.from_all(checkpoint.random_state(), self.process)
        if self.process.first:
            state = {
                "position": asdict(self.position),
                "model": dict(self.task.model.state_dict()),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.state(),
                "scaler": self.scaler.state_dict(),
                "random": mine,
                "others": others,
            }
            checkpoint.save_state(self.run_dir / "checkpoint", state)

    def _resume(self) -> None:
        """Take up the checkpoint of the run folder, if there is one."""
        torch.manual_seed(self.config.seed + self.process.rank)
        state = checkpoint.load_state(self.run_dir / "checkpoint")
        if state is None:
            return
        self.position = Position(**state["position"])
        self.task.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load(state["average"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        if self.process.first:
            checkpoint.set_random_state(state["random"])
            run_folder.cut_history(self.run_dir, self.position.step)
        else:
            rank = self.process.rank
            for own in state["others"][rank - 1 : rank]:  # none, if there were fewer processes
                checkpoint.set_random_state(own)


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Weight decay acts on matrices only, not on biases and norms."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.rate)
    return torch.optim.SGD(groups, lr=config.rate, momentum=0.9, nesterov=True)


def divide_gradients(model: nn.Module, count: int) -> None:
    """From the sum over `count` batches to their mean."""
    if count > 1:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        torch._foreach_div_(gradients, count)


def layer_norms(model: nn.Module) -> dict[str, float]:
    """Gradient norm of each parameter: what vanishes or explodes shows here."""
    gradients: dict[str, Tensor] = {
        n: p.grad for n, p in model.named_parameters() if p.grad is not None
    }
    return {f"grad_norm.{name}": float(gradient.norm()) for name, gradient in gradients.items()}
