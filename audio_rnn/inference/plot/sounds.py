"""A picture of sounds: spectrogram, and the probability of classes with the events found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TABLEAU_COLORS, to_rgb
from matplotlib.patches import Rectangle

from audio_rnn.events import Detection
from audio_rnn.inference.plot.spectrogram import Span, draw_spectrogram, new_figure, save_figure
from audio_rnn.inference.tags import Track

SPECTROGRAM_INCHES, ROW_INCHES, REST_INCHES = 3.5, 0.45, 0.7
LONGEST_NAME = 24  # characters of a class
MOST, LEAST = 12, 0.1  # classes shown without an event; probability that they reach
ROOM = 1.15  # from the line of one class to that of the next, which is a probability of 1


def likely(track: Track, events: Sequence[Detection]) -> list[str]:
    """Classes worth a row: those with events, and others that come up, the most probable first."""
    found = {event.label for event in events}
    peaks = dict(zip(track.labels, track.probabilities.max(0, initial=0)))
    others = [label for label, peak in peaks.items() if label not in found and peak >= LEAST]
    others.sort(key=lambda label: -peaks[label])
    return sorted(found, key=lambda label: -peaks[label]) + others[: max(0, MOST - len(found))]


def save_sounds(
    picture: Path,
    span: Span,
    track: Track,
    rows: Mapping[str, str],
    events: Sequence[Detection] = (),
) -> None:
    """Write the picture; the suffix names its format.

    Args:
        picture: its file.
        span: the sound.
        track: what the model says of it.
        rows: classes to show, from above, and what stands beside each.
        events: drawn in the rows of their classes.

    Raises: InputError.
    """
    height = ROW_INCHES * max(1, len(rows))
    figure = new_figure(span, SPECTROGRAM_INCHES + height + REST_INCHES)
    sound, classes = figure.subplots(2, 1, sharex=True, height_ratios=(SPECTROGRAM_INCHES, height))
    draw_spectrogram(sound, span)
    colours = list(TABLEAU_COLORS)
    for number, label in enumerate(rows):
        colour, base = colours[number % len(colours)], -number * ROOM
        _probability(classes, track, label, base, colour)
        for event in events:
            if event.label == label and event.offset > span.start and event.onset < span.end:
                _event(classes, sound, event, base, colour, span)
    _finish(classes, list(rows.values()), span)
    save_figure(figure, picture)


def _probability(axes: Axes, track: Track, label: str, base: float, colour: str) -> None:
    values = track.probabilities[:, track.labels.index(label)]
    edges = track.start + np.arange(len(values) + 1) * track.step_seconds
    axes.stairs(base + values, edges, baseline=base, fill=True, color=colour, alpha=0.35, lw=0)
    axes.axhline(base, color="0.7", lw=0.6)


def _event(axes: Axes, sound: Axes, event: Detection, base: float, colour: str, span: Span) -> None:
    """A box in the row of its class, its edges in the spectrogram, and its score."""
    width = event.offset - event.onset
    axes.add_patch(Rectangle((event.onset, base), width, 1, fill=False, ec=colour, lw=1.5))
    light = 0.5 + 0.5 * np.array(to_rgb(colour))  # to be seen on a dark ground
    for edge in (event.onset, event.offset):
        sound.axvline(edge, color=light, lw=1, ls=(0, (4, 2)))
    start, end = max(event.onset, span.start), min(event.offset, span.end)
    axes.text(
        (start + end) / 2, base + 0.5, f"{event.score:.2f}",
        ha="center", va="center", fontsize=8, clip_on=True,
        bbox={"boxstyle": "round,pad=0.1", "fc": "white", "lw": 0, "alpha": 0.6},
    )  # fmt: skip


def _finish(axes: Axes, names: Sequence[str], span: Span) -> None:
    axes.set_xlim(span.start, span.end)
    axes.set_ylim(-ROOM * (max(1, len(names)) - 1) - 0.05, 1.1)
    places = [0.5 - ROOM * number for number in range(len(names))]
    axes.set_yticks(places, map(_short, names), fontsize=9, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _short(name: str) -> str:
    longest = LONGEST_NAME
    return name if len(name) <= longest else name[: longest - 1] + "…"
