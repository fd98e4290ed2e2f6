"""The only training loop. It knows no task: see `task.py` for all that it asks of one."""

from __future__ import annotations

import json
import signal
import time
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path

from audio_rnn.distributed import processes
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.state import State
from audio_rnn.engine.task import Batch, Batches, Task
from audio_rnn.engine.update import Updates
from audio_rnn.engine.validation import Scores, evaluate, judge, keep_model
from audio_rnn.errors import TrainingError
from audio_rnn.memory import give_back
from audio_rnn.optimization.schedule import rate_factor
from audio_rnn.randomness import seed_all
from audio_rnn.runs import checkpoint
from audio_rnn.runs.log import Log
from audio_rnn.runs.position import Position
from audio_rnn.runs.signals import Interrupted, Interrupts, leave
from audio_rnn.threads import use_threads

SAVE = 1  # a wish below all signals that are noted
SAVE_SECONDS = 600.0  # between checkpoints at most, or a step, whichever is longer


class Trainer:
    """Trains a task in a run folder, or goes on with what is there.

    The folder gets `checkpoint/` (the last state, of ten minutes ago at most), `checkpoint-before/`,
    `model/` (the best model), and what `Log` writes.
    """

    def __init__(self, task: Task, config: TrainingConfig, run_dir: Path) -> None:
        self.task, self.config, self.run_dir = task, config, run_dir
        use_threads(config.threads)
        self.process = processes.start(config.device)
        config.check(self.process)
        self.state = State(task.model, config, self.process)

    @property
    def begun(self) -> bool:
        """Whether there is a state to go on from, weights and buffers included."""
        return checkpoint.present(self.run_dir / "checkpoint")

    def fit(self, train: Batches, valid: Batches | None) -> Position:
        """Train to the end, to early stopping or until asked to stop.

        Without `valid` there are no scores, and training.keep must be "last".

        Raises: TrainingError (losses not finite, folder in use, disk full, a process lost),
            Interrupted, Terminated.
        """
        self.config.check_keep(scored=valid is not None)
        self._check_alike()
        batches = self.config.epochs * train.steps(1)
        with (
            Log(self.run_dir, self.process, batches, self.config.tensorboard) as self.log,
            Interrupts() as self.interrupts,
            processes.unbroken(),
            # DDP begins with a broadcast: none reads a checkpoint that the first still writes.
            closing(Updates(self.task, self.state, self.config, self.log)) as self.updates,
        ):
            self._resume()
            while not self._done:
                self._epoch(train)
                self._after_epoch(valid)
            self.log.end(self.state.position, self.task.monitor, self.config.keep)
        return self.state.position

    def _check_alike(self) -> None:
        """Raises: TrainingError where another process has other symbols or classes, as many or not."""
        described = json.dumps(self.task.describe(), sort_keys=True).encode()
        what = "as SHA-256 of the model's symbols, classes and sizes"
        processes.agreed(sha256(described).hexdigest(), what, self.process)

    def _resume(self) -> None:
        self.saved = time.monotonic()
        seed_all(self.config.seed + self.process.rank)
        self.state.resume(self.run_dir / "checkpoint", self.log.warn)
        position = self.state.position
        self._find_best()
        self.log.begin(position)
        if self._done:
            self.log.note("trained already; nothing is left to do")
        elif position.step:
            self.log.note(f"going on at {position}")

    def _find_best(self) -> None:
        """Look whether the best model so far is still there; without it, one to come is the best.

        Raises: TrainingError where none is to come.
        """
        position, folder = self.state.position, self.run_dir / "model"
        gone = position.best is not None and not folder.is_dir()
        if not processes.from_first(gone, self.process):
            return
        if self._done:
            raise TrainingError(
                f"{folder}: found none, expected the model of epoch {position.best_epoch}; copy it "
                f"back, or delete {self.run_dir}/checkpoint* to train anew"
            )
        self.log.note(f"{folder}: is gone, so what is best is sought from here on")
        position.best = None

    @property
    def _done(self) -> bool:
        position = self.state.position
        return position.stopped or position.epoch > self.config.epochs

    def _epoch(self, train: Batches) -> None:
        """Train on what is left of an epoch."""
        position = self.state.position
        self.task.model.train()
        count = processes.agreed(
            train.steps(position.epoch), f"batches in epoch {position.epoch}", self.process
        )
        batches = self.log.meter.measured(train.epoch(position.epoch, position.batch))
        with closing(batches):  # or the workers would outlive an error by their grace
            ready = self.interrupts.awaited(batches)
            for batch in processes.together(ready, self.process, self._keep):
                self._train_on(batch.to(self.process.device), count)
        self._heed(self._wish())  # which may have ended the batches

    def _keep(self) -> None:
        """Save what was trained before a batch that cannot be read."""
        if self.state.position.step and not self.updates.waiting:
            self._save()

    def _train_on(self, batch: Batch, count: int) -> None:
        """Steps and what lies between them, in an epoch of `count` batches."""
        position = self.state.position
        last = position.batch + 1 == count
        self.log.done = (position.epoch - 1) * count + position.batch + 1
        self.updates.steps(batch, self._rate(count), last)
        position.batch += 1
        if not self.updates.waiting:
            self._between_steps()

    def _rate(self, count: int) -> float:
        """The learning rate of the next step, in an epoch of `count` batches.

        Counts batches: how many steps there will be in all, truncation, accumulation and skipped
        batches leave open.
        """
        position, config = self.state.position, self.config
        progress = min(1.0, (position.epoch - 1 + position.batch / count) / config.epochs)
        factor = rate_factor(config.schedule, progress, config.warmup)
        return config.rate * position.rate_scale * factor

    def _between_steps(self) -> None:
        wish, every = self._wish(), self.config.save_every
        self._heed(wish)
        if wish or (every and self.state.position.step % every == 0):
            self._save()

    def _wish(self) -> int:
        """The signal that a process was sent, SAVE when the last checkpoint is old, or 0."""
        old = time.monotonic() - self.saved > SAVE_SECONDS
        return processes.highest(self.interrupts.received or old * SAVE, self.process)

    def _heed(self, wish: int) -> None:
        """Stop where a signal asks for it, and say how to go on.

        The state is saved, unless the next step lacks some of its batches.
        """
        if wish <= SAVE:
            return
        if self.updates.waiting:
            message = f"stopped within a step; go on from the state saved before in {self.run_dir}"
        else:
            self._save()
            message = (
                f"stopped at {self.state.position}; state saved in {self.run_dir}, "
                "run the same command to go on"
            )
        # Of several, torchrun would start all again unless they end well.
        leave(wish if self.process.world == 1 else signal.SIGTERM, message, self.log.say)

    def _after_epoch(self, valid: Batches | None) -> None:
        position, config = self.state.position, self.config
        scores, best = {}, False
        if position.epoch % config.validate_every == 0 or position.epoch == config.epochs:
            scores = self._validate(valid) if valid else {}
            best = bool(scores) and judge(self.task, scores, position, config)
            if self.process.first and (best or config.keep == "last"):
                keep_model(self.task, self.state, scores, self.run_dir / "model")
        head = {"epoch": position.epoch, "step": position.step}
        self.log.epoch({**head, "train_loss": position.mean_loss}, scores, best)
        position.next_epoch()
        self._save()
        self.log.draw(self.task.monitor)
        give_back()

    def _validate(self, valid: Batches) -> Scores:
        """Scores, taken in the first process and known in all.

        An interrupt leaves them; the run that goes on takes them anew.
        """
        scores: Scores = {}
        if self.process.first:
            with suppress(Interrupted):
                scores = evaluate(self.task, self.state, self.interrupts.heeded(valid.epoch(0)))
        scores = processes.from_first(scores, self.process)
        if not scores:
            self._heed(self._wish())
        return scores

    def _save(self) -> None:
        self.updates.read()
        self.log.flush()
        self.state.save(self.run_dir / "checkpoint")
        self.saved = time.monotonic()
