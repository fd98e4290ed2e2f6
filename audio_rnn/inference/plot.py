"""A picture of an alignment: spectrogram, symbol probabilities, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from audio_rnn.audio import read_blocks
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.errors import InputError
from audio_rnn.inference.aligner import Alignment, Heard
from audio_rnn.vocabulary import BLANK

SECONDS = 30.0  # shown unless more is asked for
RATE = 16000  # Hz
INCHES_PER_SECOND, WIDTH_INCHES, HEIGHT_INCHES = 1.0, (8.0, 200.0), 9.0
FLOOR_DB = 80.0  # below the loudest


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
    path: Path, heard: Heard, start: float, end: float | None, channel: int | None = None
) -> Span:
    """The sound to show. Raises InputError when it would begin behind the recording."""
    if start >= heard.duration:
        raise InputError(
            f"--plot-from: found {start:g} s, expected less than the {heard.duration:.1f} s of "
            f"{path}"
        )
    end = min(start + SECONDS if end is None else end, heard.duration)
    first, last, done = round(start * RATE), round(end * RATE), 0
    held = []
    for block in read_blocks(path, RATE, channel=channel):
        held.append(block[max(0, first - done) : max(0, last - done)])
        done += len(block)
        if done >= last:
            break
    return Span(np.concatenate(held), start, end)


def save_plot(picture: Path, heard: Heard, alignment: Alignment, span: Span) -> None:
    """Write the picture; the suffix names its format. Raises OSError."""
    width = np.clip(INCHES_PER_SECOND * (span.end - span.start), *WIDTH_INCHES)
    figure = Figure(figsize=(float(width), HEIGHT_INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    sound, symbols, words = figure.subplots(3, 1, sharex=True, height_ratios=(3, 5, 1))
    _spectrogram(sound, span)
    _probabilities(symbols, heard, span)
    _words(words, [sound, symbols], alignment, span)
    figure.savefig(picture, format=picture.suffix.lstrip(".").lower())


def _spectrogram(axes: Axes, span: Span) -> None:
    window = 400
    if len(span.waveform) < window:
        return
    frames = np.lib.stride_tricks.sliding_window_view(span.waveform, window)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), 512)).T ** 2
    decibels = 10 * np.log10(np.maximum(power, 1e-12))
    times = (span.start + window / 2 / RATE, span.start + (len(span.waveform) - window / 2) / RATE)
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        extent=(*times, 0, RATE / 2000),
        cmap="magma",
        vmin=float(decibels.max()) - FLOOR_DB,
    )
    axes.set_ylabel("kHz")


def _probabilities(axes: Axes, heard: Heard, span: Span) -> None:
    """Posteriors of all symbols but the blank that reach a half anywhere in the span."""
    step = heard.posteriors.step_seconds
    first, last = int(span.start / step), int(np.ceil(span.end / step))
    values = np.exp(heard.posteriors.log_probs[first:last])
    shown = [s for s in range(values.shape[1]) if s != BLANK and values[:, s].max(initial=0) > 0.5]
    if shown:
        end = (first + len(values)) * step
        axes.imshow(
            values[:, shown].T,
            aspect="auto",
            interpolation="nearest",
            extent=(first * step, end, len(shown) - 0.5, -0.5),
            cmap="Greys",
            vmin=0,
            vmax=1,
        )
    names = ["space" if (n := heard.posteriors.vocabulary.symbols[s]) == " " else n for s in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_ylabel("symbols")


def _words(axes: Axes, others: Sequence[Axes], alignment: Alignment, span: Span) -> None:
    for utterance in alignment.utterances:
        for word in utterance.words:
            if word.end > span.start and word.start < span.end:
                _word(axes, others, word)
    axes.set_xlim(span.start, span.end)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_xlabel("seconds")
    axes.set_ylabel("words")


def _word(axes: Axes, others: Sequence[Axes], word: Word) -> None:
    """Its name on a ground that is the greener the surer it is, its edges across all axes."""
    faded = 1 - 0.6 * word.confidence
    axes.axvspan(word.start, word.end, color=(faded, 1, faded), lw=0)
    axes.text(
        (word.start + word.end) / 2, 0.5, word.text,
        ha="center", va="center", rotation=90, fontsize=9, clip_on=True, parse_math=False,
    )  # fmt: skip
    for edge in (word.start, word.end):
        for one in (axes, *others):
            one.axvline(edge, color="tab:blue", lw=0.6)
