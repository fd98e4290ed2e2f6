"""The history for TensorBoard, which shows runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audio_rnn.errors import ConfigError


class Scalars:
    """Entries of a history as scalars, in `tensorboard/` of the run folder."""

    def __init__(self, folder: Path, step: int) -> None:
        """From `step` on, in place of what an earlier try has written.

        Raises: ConfigError where TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ConfigError(
                "training.tensorboard: found true, but tensorboard is not installed; "
                "pip install 'audio-rnn[tensorboard]'"
            ) from None
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step)

    def add(self, entry: dict[str, Any]) -> None:
        """The numbers of an entry."""
        for name, value in entry.items():
            if name not in ("epoch", "step"):
                self._writer.add_scalar(name, value, entry["step"])

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
