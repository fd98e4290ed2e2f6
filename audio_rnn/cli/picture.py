"""The options of commands that draw a part of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audio_rnn.config import require
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.cli.inputs import Inputs


@dataclass(frozen=True)
class PictureOptions:
    """Which picture, of what."""

    plot: Path | None = None
    """Picture of the spectrogram and what is found in it, such as picture.png."""
    plot_from: float = 0.0
    """Second at which the picture begins."""
    plot_to: float | None = None
    """Second at which it ends. None: 30 seconds later, or where the recording ends."""

    def __post_init__(self) -> None:
        require(
            0 <= self.plot_from < (self.plot_to or float("inf")),
            "--plot-from",
            (self.plot_from, self.plot_to),
            "a time of 0 or more that comes before --plot-to",
        )


def pictured(options: PictureOptions, inputs: Inputs) -> Path | None:
    """The one file that the picture shows; None when no picture is asked for.

    Raises: InputError for several files, for standard input, which cannot be read twice, and for a
        name that no picture can have.
    """
    if options.plot is None:
        return None
    from audio_rnn.inference.plot.spectrogram import check_picture

    check_picture(options.plot)
    sources = [recording.source for recording in inputs.recordings]
    if len(sources) == 1 and not inputs.failures and isinstance(sources[0], Path):
        return sources[0]
    found = "standard input" if len(sources) == 1 else f"{len(sources)} inputs"
    raise InputError(f"--plot: found {found}, expected one file; name it alone")
