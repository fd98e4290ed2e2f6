"""The sound that a picture shows, and what all such pictures share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from audio_rnn.audio import read_blocks
from audio_rnn.errors import InputError

SECONDS = 30.0  # shown unless more is asked for
RATE = 16000  # Hz
INCHES_PER_SECOND, WIDTH_INCHES = 1.0, (8.0, 200.0)
FLOOR_DB = 80.0  # below the loudest
SILENCE_DB = -40.0  # the loudest band of a tone at -80 dB of full scale: what is softer stays dark


@dataclass(frozen=True, eq=False)
class Span:
    """Sound (samples,) at RATE from `start` to `end` seconds."""

    waveform: np.ndarray
    start: float
    end: float


def check_picture(path: Path) -> None:
    """Raises InputError for a name that no picture can have."""
    known = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(
            f"--plot: found {path.name!r}, expected a name that ends in one of "
            f"{', '.join(f'.{name}' for name in sorted(known))}"
        )
    if not path.parent.is_dir():
        raise InputError(f"--plot: found no folder {path.parent}; make it first")


def read_span(
    path: Path, duration: float, start: float, end: float | None, channel: int | None = None
) -> Span:
    """The part to show of a recording of `duration` seconds.

    Raises: InputError when it would begin behind the recording.
    """
    if start >= duration:
        raise InputError(
            f"--plot-from: found {start:g} s, expected less than the {duration:.1f} s of {path}"
        )
    end = min(start + SECONDS if end is None else end, duration)
    first, last, done = round(start * RATE), round(end * RATE), 0
    held = []
    for block in read_blocks(path, RATE, channel=channel):
        held.append(block[max(0, first - done) : max(0, last - done)])
        done += len(block)
        if done >= last:
            break
    return Span(np.concatenate(held), start, end)


def new_figure(span: Span, height_inches: float) -> Figure:
    """As wide as the sound is long."""
    width = np.clip(INCHES_PER_SECOND * (span.end - span.start), *WIDTH_INCHES)
    figure = Figure(figsize=(float(width), height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, picture: Path) -> None:
    """Write it; the suffix names its format. Raises InputError."""
    try:
        figure.savefig(picture, format=picture.suffix.lstrip(".").lower())
    except OSError as error:
        raise InputError(f"--plot: {picture}: cannot be written: {error.strerror}") from error


def draw_spectrogram(axes: Axes, span: Span) -> None:
    """Decibels over time and frequency."""
    window = 400
    if len(span.waveform) < window:
        return
    frames = np.lib.stride_tricks.sliding_window_view(span.waveform, window)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), 512)).T ** 2
    decibels = 10 * np.log10(np.maximum(power, 1e-12))
    loudest = max(float(decibels.max()), SILENCE_DB)
    times = (span.start + window / 2 / RATE, span.start + (len(span.waveform) - window / 2) / RATE)
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        extent=(*times, 0, RATE / 2000),
        cmap="magma",
        vmin=loudest - FLOOR_DB,
        vmax=loudest,
    )
    axes.set_ylabel("kHz")
