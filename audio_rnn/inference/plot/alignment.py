"""A picture of an alignment: spectrogram, symbol probabilities, words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.aligner import Alignment, Heard
from audio_rnn.inference.plot.spectrogram import Span, draw_spectrogram, new_figure, save_figure
from audio_rnn.vocabulary import BLANK

HEIGHT_INCHES = 9.0


def save_plot(picture: Path, heard: Heard, alignment: Alignment, span: Span) -> None:
    """Write the picture; the suffix names its format. Raises InputError."""
    figure = new_figure(span, HEIGHT_INCHES)
    sound, symbols, words = figure.subplots(3, 1, sharex=True, height_ratios=(3, 5, 1))
    draw_spectrogram(sound, span)
    _probabilities(symbols, heard, span)
    _words(words, [sound, symbols], alignment, span)
    save_figure(figure, picture)


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
