"""A piece as a picture: its piano roll."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.errors import MusicError
from audio_rnn.midi.piece import QUARTER, Piece

INCHES_A_BAR, HEIGHT = 0.55, 4.0


def plot_roll(piece: Piece, path: Path) -> None:
    """Write a PNG (or SVG, PDF, by the path's suffix): a voice a colour, a line a bar.

    Raises: MusicError when it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    bars = [bar.start / QUARTER for bar in piece.bars()]
    figure = Figure((max(6.0, min(INCHES_A_BAR * len(bars), 60.0)), HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, voice in enumerate(piece.voices):
        axes.barh(
            [note.pitch for note in voice.notes],
            [note.length / QUARTER for note in voice.notes],
            left=[note.start / QUARTER for note in voice.notes],
            height=0.85,
            color=f"C{number % 10}",
            edgecolor="white",
            linewidth=0.4,
            label=f"voice {number + 1}",
        )
    for bar in bars:
        axes.axvline(bar, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xlabel="quarter notes", ylabel="pitch (MIDI)", xlim=(0, piece.end / QUARTER))
    axes.yaxis.set_major_locator(MultipleLocator(12))
    if len(piece.voices) > 1:
        axes.legend(loc="upper right", ncols=4, fontsize="small")
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise MusicError(f"{path}: cannot be written: {error}") from error
