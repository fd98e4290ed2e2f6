"""The only training loop. It knows no task: see `task.py` for all that it asks of one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import NoReturn

import torch

from audio_rnn.config import require
from audio_rnn.curves import draw_curves
from audio_rnn.engine import checkpoint, distributed, run_folder
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.display import Display, ending
from audio_rnn.engine.interrupt import Interrupted, Interrupts, Terminated
from audio_rnn.engine.meter import Meter
from audio_rnn.engine.schedule import learning_rate
from audio_rnn.engine.state import Position, State
from audio_rnn.engine.task import Batch, Batches, Task, Truncated
from audio_rnn.engine.update import Updates, remedy
from audio_rnn.engine.validation import judge, validate
from audio_rnn.errors import ConfigError, InputError, TrainingError
from audio_rnn.randomness import seed_all

SAVE = 1  # a wish below all signals that are noted
SAVE_SECONDS = 600.0  # between checkpoints at most, or a step, whichever is longer


class Trainer:
    """Trains a task in a run folder, or goes on with what is there.

    The folder gets `checkpoint/` (the last state, of ten minutes ago at most), `checkpoint-before/`,
    `model/` (the best model), `history.jsonl`, `train.log` and `curves.png`.
    """

    def __init__(self, task: Task, config: TrainingConfig, run_dir: Path) -> None:
        self.task, self.config, self.run_dir = task, config, run_dir
        if config.threads:
            torch.set_num_threads(config.threads)
        self.process = distributed.start(config.device)
        distributed.check(config, self.process)
        self.state = State(task.model, config, self.process)
        self.meter = Meter(self.process)

    @property
    def begun(self) -> bool:
        """Whether there is a state to go on from, weights and buffers included."""
        return checkpoint.present(self.run_dir / "checkpoint")

    def fit(self, train: Batches, valid: Batches | None) -> Position:
        """Train to the end, to early stopping or until asked to stop.

        Without `valid` there are no scores, and training.keep must be "last".

        Raises: TrainingError (losses not finite, folder in use, disk full), Interrupted, Terminated.
        """
        require(
            valid is not None or self.config.keep == "last",
            "training.keep", self.config.keep, "'last' where there is no validation data",
        )  # fmt: skip
        claim = run_folder.claimed(self.run_dir) if self.process.first else nullcontext()
        total = self.config.epochs * train.steps(1)
        with (
            claim,
            Interrupts() as self.interrupts,
            Display(total, self.process.first) as self.display,
            # DDP begins with a broadcast: none reads a checkpoint that the first still writes.
            closing(Updates(self.task, self.state, self.config, self.display.warn)) as updates,
        ):
            self._resume()
            while not self._done:
                self._epoch(train, updates)
                self._after_epoch(valid)
            if self.process.first:
                self._end()
        return self.state.position

    def _end(self) -> None:
        """Draw the curves and say how it went."""
        monitor, folder = self.task.monitor, self.run_dir
        with checkpoint.writing(folder / "curves.png"):
            draw_curves(run_folder.read_history(folder), monitor, folder / "curves.png")
        self.display.say(ending(self.state.position, self.config, monitor, folder))

    def _resume(self) -> None:
        self.saved = time.monotonic()
        seed_all(self.config.seed + self.process.rank)
        self.state.resume(self.run_dir / "checkpoint", self.display.warn)
        if self.process.first:
            with checkpoint.writing(self.run_dir / "history.jsonl"):
                run_folder.cut_history(self.run_dir, self.state.position.step)
        if self.state.position.step:
            self._note(self._where(), self.display.say)

    @property
    def _done(self) -> bool:
        position = self.state.position
        return position.stopped or position.epoch > self.config.epochs

    def _where(self) -> str:
        """What is said of a run that an earlier call has begun."""
        position = self.state.position
        if self._done:
            return "trained already; nothing is left to do"
        return f"going on at epoch {position.epoch}, step {position.step}"

    def _epoch(self, train: Batches, updates: Updates) -> None:
        """Train on what is left of an epoch."""
        position = self.state.position
        self.task.model.train()
        count = distributed.agreed(
            train.steps(position.epoch), f"batches in epoch {position.epoch}", self.process
        )
        batches = self.meter.measured(train.epoch(position.epoch, position.batch))
        with closing(batches):  # or the workers would outlive an error by their grace
            for batch in self._readable(batches, updates):
                self._train_on(batch, updates, count)

    def _train_on(self, batch: Batch, updates: Updates, count: int) -> None:
        """What is done with a batch of an epoch of `count`."""
        position = self.state.position
        for piece in self._pieces(batch):
            updates.gather(piece)
            if updates.due:
                self._step(updates, batch.ids, count)
        if position.batch + 1 == count:
            self._end_epoch(updates, batch.ids, count)
        position.batch += 1
        if not updates.waiting:
            self._between_steps()

    def _readable(self, batches: Iterator[Batch], updates: Updates) -> Iterator[Batch]:
        """Batches on the device; before an error in reading one, what was trained is saved."""
        while True:
            batch, problem = None, None
            try:
                batch = next(batches, None)
            except InputError as error:
                problem = error
            if distributed.anywhere(problem is not None, self.process):
                if self.state.position.step and not updates.waiting:
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

    def _step(self, updates: Updates, ids: list[str], count: int) -> None:
        """One step of the optimiser, in an epoch of `count` batches."""
        position = self.state.position
        entry = updates.step(learning_rate(self.config, position, count), ids)
        done = (position.epoch - 1) * count + position.batch + 1
        self.display.step(done, position.epoch, position.mean_loss)
        self._log(entry)
        if self.meter.due:
            self._note(self.meter.line(position, entry), self.display.detail)

    def _end_epoch(self, updates: Updates, ids: list[str], count: int) -> None:
        """After the last batch; raises TrainingError when the epoch came to nothing."""
        if updates.waiting:
            self._step(updates, ids, count)
        if not self.state.position.steps:
            raise TrainingError(
                f"epoch {self.state.position.epoch}: no batch had a finite loss and gradient; "
                f"{remedy(self.config)}"
            )
        self.state.average.after_epoch()

    def _between_steps(self) -> None:
        wish, every = self._wish(), self.config.save_every
        if wish > SAVE:
            self._stop(wish)
        if wish or (every and self.state.position.step % every == 0):
            self._save()

    def _wish(self) -> int:
        """The signal that a process was sent, SAVE when the last checkpoint is old, or 0."""
        old = time.monotonic() - self.saved > SAVE_SECONDS
        return distributed.highest(self.interrupts.received or old * SAVE, self.process)

    def _stop(self, number: int) -> NoReturn:
        """Save, and say how to go on."""
        self._save()
        position = self.state.position
        message = (
            f"stopped at epoch {position.epoch}, step {position.step}; "
            f"state saved in {self.run_dir}, run the same command to go on"
        )
        if number == signal.SIGTERM:
            self.display.say(message)
            raise Terminated(0)
        raise Interrupted(message)

    def _after_epoch(self, valid: Batches | None) -> None:
        position, config = self.state.position, self.config
        scores: dict[str, float] = {}
        if position.epoch % config.validate_every == 0 or position.epoch == config.epochs:
            scores = self._validate(valid)
        if scores:
            best = judge(self.task, scores, position, config)
            line = self.display.scores(position.epoch, position.mean_loss, scores, best)
            self._note(line, self.display.say)
        self._log({"train_loss": position.mean_loss, **scores})
        position.next_epoch()
        self._save()

    def _validate(self, valid: Batches | None) -> dict[str, float]:
        """Scores of the averaged weights, taken in the first process and known in all.

        An interrupt leaves them; the run that goes on takes them anew.
        """
        scores: dict[str, float] = {}
        if self.process.first:
            with suppress(Interrupted):
                batches = self._until_interrupt(valid) if valid else None
                scores = validate(
                    self.task, self.state, batches, self.config, self.run_dir / "model"
                )
        scores = distributed.from_first(scores, self.process)
        if valid and not scores and (wish := self._wish()) > SAVE:
            self._stop(wish)
        return scores

    def _until_interrupt(self, valid: Batches) -> Iterator[Batch]:
        for batch in valid.epoch(0):
            if self.interrupts.received:
                raise Interrupted
            yield batch.to(self.process.device)

    def _log(self, entry: Mapping[str, float]) -> None:
        if self.process.first:
            position = self.state.position
            head = {"epoch": position.epoch, "step": position.step}
            with checkpoint.writing(self.run_dir / "history.jsonl"):
                run_folder.append_history(self.run_dir, {**head, **entry})
            if self.config.tensorboard:
                self.display.tensorboard(self.run_dir, position.step, entry)

    def _note(self, line: str, show: Callable[[str], None]) -> None:
        """A line that is shown, and kept in train.log."""
        if self.process.first:
            show(line)
            with checkpoint.writing(self.run_dir / "train.log"):
                run_folder.append_line(self.run_dir / "train.log", line)

    def _save(self) -> None:
        if self.process.first:
            with checkpoint.writing(self.run_dir / "history.jsonl"):
                run_folder.flush_history(self.run_dir)
        self.state.save(self.run_dir / "checkpoint")
        self.saved = time.monotonic()
