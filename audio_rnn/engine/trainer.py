"""The only training loop. It knows no task: see `task.py` for all that it asks of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from audio_rnn.engine import checkpoint, distributed, run_folder
from audio_rnn.engine.averaging import Average
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.display import Display, draw_curves
from audio_rnn.engine.interrupt import Interrupted, Interrupts
from audio_rnn.engine.optimizer import divide_gradients, layer_norms, make_optimizer
from audio_rnn.engine.position import Position
from audio_rnn.engine.schedule import rate_factor
from audio_rnn.engine.task import Batch, Batches, Task, Truncated
from audio_rnn.engine.validation import judge, validate
from audio_rnn.errors import ConfigError, InputError, TrainingError

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
        check_process(config, self.process)
        task.model.to(self.process.device)
        self.optimizer = make_optimizer(task.model, config)
        self.average = Average(task.model, config)
        self.scaler = torch.amp.GradScaler(
            self.process.device.type, enabled=config.precision == "fp16"
        )

    @property
    def begun(self) -> bool:
        """Whether there is a state to go on from, weights and buffers included."""
        return checkpoint.present(self.run_dir / "checkpoint")

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
                    self.display.say(self._where())
                while self.position.epoch <= self.config.epochs and not self.position.stopped:
                    self._epoch(train)
                    self._after_epoch(valid)
            if self.process.first:
                curves = self.run_dir / "curves.png"
                draw_curves(run_folder.read_history(self.run_dir), self.task.monitor, curves)
        del self.losses  # DDP would keep the process group alive beyond `stop`
        return self.position

    def _where(self) -> str:
        """What is said of a run that an earlier call has begun."""
        position = self.position
        if position.stopped or position.epoch > self.config.epochs:
            return f"trained already, {position.epoch - 1} epochs; nothing is left to do"
        return f"going on at epoch {position.epoch}, step {position.step}"

    def _epoch(self, train: Batches) -> None:
        """Train on what is left of an epoch."""
        position = self.position
        self.task.model.train()
        self.waiting, self.loss = 0, 0.0  # batches, and their losses, that the next step takes
        self.batches = train.steps(position.epoch)
        for batch in self._readable(train.epoch(position.epoch, position.batch)):
            for piece in self._pieces(batch):
                self.waiting += self._backward(piece)
                if self.waiting == self.config.accumulate:
                    self._step(batch.ids)
            last = position.batch + 1 == self.batches
            if last and self.waiting:
                self._step(batch.ids)
            position.batch += 1
            if last:
                self._end_of_epoch()
            if not self.waiting:
                self._between_batches()

    def _readable(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Batches on the device; before an error in reading one, what was trained is saved."""
        while True:
            batch, problem = None, None
            try:
                batch = next(batches, None)
            except InputError as error:
                problem = error
            if distributed.anywhere(problem is not None, self.process):
                if not self.waiting:
                    self._save()
                raise problem or TrainingError("another process cannot read its data")
            if batch is None:
                return
            yield batch.to(self.process.device)

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
                f"epoch {self.position.epoch}: {self.position.skipped} batches with a loss or gradient "
                f"that is not finite, last a {what} with {shown or 'others'}; "
                f"expected at most {self.config.skip_limit}: {self._remedy()}"
            )

    def _remedy(self) -> str:
        config = self.config
        return f"check these items, lower training.rate ({config.rate}) or training.clip ({config.clip})"

    def _step(self, ids: list[str]) -> None:
        """Clip and apply the mean gradient of the waiting batches, the last with items `ids`."""
        position, config = self.position, self.config
        rate = (
            config.rate
            * position.rate_scale
            * rate_factor(config.schedule, self._progress(), config.warmup)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimizer)
        divide_gradients(self.task.model, self.waiting)
        layers = layer_norms(self.task.model) if config.log_layers else {}
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), config.clip)
        if norm.isfinite() or self._scale_is_searched():
            self.scaler.step(self.optimizer)
            position.steps += 1
            position.loss_sum += self.loss / self.waiting
        else:
            self._skip("gradient", ids)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.waiting, self.loss = 0, 0.0
        position.step += 1
        self.average.after_step(position.step)
        mean = position.loss_sum / max(position.steps, 1)
        done = (position.epoch - 1) * self.batches + position.batch + 1
        self.display.step(done, position.epoch, mean)
        self._log({"rate": rate, "grad_norm": float(norm), "mean_loss": mean, **layers})

    def _scale_is_searched(self) -> bool:
        """Whether gradients may still overflow because fp16 scales them up: the scaler then leaves
        the step out and halves the scale, which is usual at the start."""
        return self.scaler.is_enabled() and self.scaler.get_scale() >= 1

    def _progress(self) -> float:
        """Share of the training that is done. Counts batches: how many steps there will be in
        all, truncation, accumulation and skipped batches leave open."""
        done = self.position.batch / self.batches
        return min(1.0, (self.position.epoch - 1 + done) / self.config.epochs)

    def _end_of_epoch(self) -> None:
        """Once an epoch, after its last batch; raises TrainingError when it came to nothing."""
        if not self.position.steps:
            raise TrainingError(
                f"epoch {self.position.epoch}: no batch had a finite loss and gradient; "
                f"{self._remedy()}"
            )
        self.average.after_epoch()

    def _between_batches(self) -> None:
        if distributed.anywhere(self.interrupts.received is not None, self.process):
            self._stop()
        if self.config.save_every and self.position.step % self.config.save_every == 0:
            self._save()

    def _stop(self) -> NoReturn:
        self._save()
        raise Interrupted(
            f"stopped at epoch {self.position.epoch}, step {self.position.step}; "
            f"state saved in {self.run_dir}, run the same command to go on"
        )

    def _after_epoch(self, valid: Batches) -> None:
        position, config = self.position, self.config
        entry: dict[str, Any] = {"train_loss": position.loss_sum / position.steps}
        if position.epoch % config.validate_every == 0 or position.epoch == config.epochs:
            scores = self._validate(valid)
            best = judge(self.task, scores, position, config)
            self.display.scores(position.epoch, entry["train_loss"], scores, best)
            entry |= scores
        self._log(entry)
        position.epoch, position.batch = position.epoch + 1, 0
        position.steps, position.loss_sum, position.skipped = 0, 0.0, 0
        self._save()

    def _validate(self, valid: Batches) -> dict[str, float]:
        """Scores of the averaged weights, taken in the first process and known in all.

        An interrupt leaves them; the run that goes on takes them anew.
        """
        scores = None
        if self.process.first:
            with suppress(Interrupted):
                scores = validate(
                    *(self.task, self.average, self._until_interrupt(valid)),
                    *(self.position, self.run_dir / "model"),
                )
        scores = distributed.from_first(scores, self.process)
        if scores is None:
            self._stop()
        return scores

    def _until_interrupt(self, valid: Batches) -> Iterator[Batch]:
        for batch in valid.epoch(0):
            if self.interrupts.received is not None:
                raise Interrupted
            yield batch.to(self.process.device)

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
        """Take up the checkpoint of the run folder, if there is one. Raises: TrainingError."""
        torch.manual_seed(self.config.seed + self.process.rank)
        folder = self.run_dir / "checkpoint"
        state = checkpoint.load_state(folder)
        if state is not None:
            try:
                self._restore(state)
            except (RuntimeError, ValueError, TypeError, KeyError) as error:
                reason = " ".join(str(error).split())  # torch's take several lines
                raise TrainingError(
                    f"{folder}: checkpoint does not fit this training: {reason}; "
                    f"delete {folder} to start anew"
                ) from error
        if self.process.first:
            run_folder.cut_history(self.run_dir, self.position.step)

    def _restore(self, state: dict[str, Any]) -> None:
        self.position = Position(**state["position"])
        self.task.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load(state["average"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        random = [state["random"], *state["others"]]  # of fewer processes, if there were fewer
        for own in random[self.process.rank : self.process.rank + 1]:
            checkpoint.set_random_state(own)


def check_process(config: TrainingConfig, process: distributed.Process) -> None:
    """Raises: ConfigError for what these processes cannot do."""
    if config.precision == "fp16" and process.device.type == "cpu":
        raise ConfigError("training.precision: found fp16 on the CPU, expected bf16 or float32")
    if config.truncate is not None and process.world > 1:  # shares may have unlike piece counts
        raise ConfigError(
            f"training.truncate: found {config.truncate} with {process.world} processes, expected "
            "one process; leave it out or start without torchrun"
        )
