"""What the prepare scripts of piano rolls end with: the files of each split and a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audio_rnn.data.rolls import LOWEST_PITCH, Roll, write_rolls
from audio_rnn.errors import MusicError

SPLITS = ("train", "valid", "test")


def write_splits(output: Path, splits: Mapping[str, Mapping[str, Roll]]) -> None:
    """Write {split}.npz below `output`, and show a table.

    Raises: MusicError for a split without pieces.
    """
    output.mkdir(parents=True, exist_ok=True)
    table = Table(
        "split", "pieces", "frames", "voices", "notes a frame", "pitches", title=str(output)
    )
    for split in SPLITS:
        rolls = splits.get(split)
        if not rolls:
            raise MusicError(f"found no piece in the split {split!r}, expected at least one")
        write_rolls(output / f"{split}.npz", rolls)
        table.add_row(split, *describe(rolls))
    Console().print(table)


def describe(rolls: Mapping[str, Roll]) -> tuple[str, ...]:
    """Pieces, frames, voices, notes a frame, lowest and highest pitch."""
    frames = np.concatenate(list(rolls.values()))
    played = np.flatnonzero(frames.any(axis=(0, 1))) + LOWEST_PITCH
    pitches = f"{played[0]}-{played[-1]}" if len(played) else "none"
    notes = f"{frames.sum(axis=(1, 2)).mean():.2f}"
    return str(len(rolls)), str(len(frames)), str(frames.shape[1]), notes, pitches
