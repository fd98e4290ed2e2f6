"""What can be chosen about training, whatever the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from audio_rnn.config import require
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import ConfigError

COUNTS = "epochs accumulate validate_every last plateau_epochs truncate patience save_every threads"
LARGEST = 1 << 63  # what a seed of torch can hold


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, schedule, precision, averaging and stopping."""

    epochs: int = 60
    optimizer: Literal["adamw", "sgd"] = "adamw"  # sgd runs with Nesterov momentum 0.9
    rate: float = 2e-3  # highest learning rate
    weight_decay: float = 1e-2
    schedule: Literal["one_cycle", "warmup_cosine", "plateau"] = "one_cycle"
    warmup: float = 0.2  # share of all steps in which the rate rises
    plateau_epochs: int = 3  # validations without a better score before the rate halves
    clip: float = 5.0  # longest gradient
    accumulate: int = 1  # batches a step
    truncate: int | None = None  # frames a step of truncated backpropagation through time
    precision: Literal["float32", "bf16", "fp16"] = "float32"  # autocast of the forward pass
    averaging: Literal["none", "ema", "last"] = "ema"  # weights that are evaluated and saved
    ema_decay: float = 0.999  # a step
    last: int = 5  # epochs averaged by "last"
    keep: Literal["best", "last"] = "best"  # the model that is kept, by the monitored score
    patience: int | None = None  # validations without a better score before training stops
    validate_every: int = 1  # epochs
    save_every: int | None = None  # steps between saves inside an epoch
    skip_limit: int = 20  # batches an epoch whose loss or gradient is not finite before it stops
    log_layers: bool = False  # write each layer's gradient norm to the history
    tensorboard: bool = False  # write scalars for TensorBoard too (extra: tensorboard)
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    threads: int | None = 2  # of the CPU, a process; a second one changes no bit; None: all cores
    seed: int = 0

    def __post_init__(self) -> None:
        self._require(COUNTS, lambda x: x is None or x >= 1, "1 or more")
        self._require("rate", lambda x: 0 < x <= 1, "above 0, at most 1")
        self._require("clip", lambda x: 0 < x < float("inf"), "above 0")
        self._require("warmup ema_decay", lambda x: 0 <= x < 1, "0 to below 1")
        bounded = "weight_decay skip_limit seed"
        self._require(bounded, lambda x: 0 <= x < LARGEST, "0 or more, below 2^63")

    def _require(self, names: str, holds: Callable[[Any], bool], expected: str) -> None:
        for name in names.split():
            value = getattr(self, name)
            require(holds(value), f"training.{name}", value, expected)

    def check(self, process: Process) -> None:
        """Raises: ConfigError for what these processes cannot do."""
        if self.precision == "fp16" and process.device.type == "cpu":
            raise ConfigError("training.precision: found fp16 on the CPU, expected bf16 or float32")
        if self.truncate is not None and process.world > 1:  # shares may have unlike piece counts
            raise ConfigError(
                f"training.truncate: found {self.truncate} with {process.world} processes, expected "
                "one process; leave it out or start without torchrun"
            )

    def check_keep(self, scored: bool) -> None:
        """Raises: ConfigError for a best model where nothing is scored."""
        expected = "'last' where there is no validation data"
        remedy = "set --training.keep last, or hold out some data"
        require(scored or self.keep == "last", "training.keep", self.keep, expected, remedy)
