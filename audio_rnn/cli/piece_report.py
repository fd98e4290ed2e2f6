"""A table of pieces on standard error: how consistent they are, and what is copied."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audio_rnn.metrics.copying import Melodies, SharedPassage
    from audio_rnn.midi.piece import Piece


def report(melodies: Melodies | None, paths: Sequence[Path], pieces: Sequence[Piece]) -> None:
    """A table on standard error, with what is copied of the melodies of the training set."""
    from rich.console import Console
    from rich.table import Table

    from audio_rnn.metrics.copying import melody_of
    from audio_rnn.metrics.music import measure_music

    measures = ("scale", "entropy", "groove", "polyphony", "repetition")
    copied = ["copied"] if melodies else []
    table = Table("file", "bars", "notes", "s", *measures, *copied, box=None)
    for path, piece in zip(paths, pieces):
        found = measure_music(piece)
        shared = melodies.longest_shared(melody_of(piece)) if melodies else None
        values = (found.scale_consistency, found.pitch_class_entropy, found.groove_consistency)
        table.add_row(
            path.name,
            *map(str, (found.bars, found.notes)),
            f"{found.seconds:.1f}",
            *(f"{value:.3f}" for value in values),
            f"{found.polyphony:.2f}",
            f"{found.repetition:.2f}",
            *([_copied(shared)] if shared else []),
        )
    Console(stderr=True, width=None if sys.stderr.isatty() else 140).print(table)


def _copied(shared: SharedPassage) -> str:
    return f"{shared.notes} notes of {shared.source}" if shared.notes else "nothing"
