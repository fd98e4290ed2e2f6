"""What the prepare scripts of piano rolls end with: the files of each split and a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audio_rnn.data.repeats import recall
from audio_rnn.data.rolls import LOWEST_PITCH, Roll, write_rolls
from audio_rnn.errors import MusicError

HEARD = 8  # frames that agree with earlier ones, from which on a frame counts as a repeat
SPLITS = ("train", "valid", "test")


def write_splits(output: Path, splits: Mapping[str, Mapping[str, Roll]]) -> None:
    """Write {split}.npz below `output`, and show a table.

    Raises: MusicError for a split without pieces.
    """
    output.mkdir(parents=True, exist_ok=True)
    columns = (
        "split",
        "pieces",
        "frames",
        "voices",
        "notes a frame",
        "pitches",
        "repeats",
        "exact",
    )
    table = Table(*columns, title=str(output))
    for split in SPLITS:
        rolls = splits.get(split)
        if not rolls:
            raise MusicError(f"found no piece in the split {split!r}, expected at least one")
        write_rolls(output / f"{split}.npz", rolls)
        table.add_row(split, *describe(rolls))
    Console().print(table)


def describe(rolls: Mapping[str, Roll]) -> tuple[str, ...]:
    """Pieces, frames, voices, notes a frame, lowest and highest pitch; the share of frames that
    follow HEARD frames or more that were heard before, and of these, those that then come again."""
    frames = np.concatenate(list(rolls.values()))
    played = np.flatnonzero(frames.any(axis=(0, 1))) + LOWEST_PITCH
    pitches = f"{played[0]}-{played[-1]}" if len(played) else "none"
    notes = f"{frames.sum(axis=(1, 2)).mean():.2f}"
    shares = (f"{100 * share:.0f} %" for share in repeats(rolls))
    return str(len(rolls)), str(len(frames)), str(frames.shape[1]), notes, pitches, *shares


def repeats(rolls: Mapping[str, Roll]) -> tuple[float, float]:
    """The two shares that `describe` shows; the second is 0 where nothing repeats."""
    heard, again = [], []
    for roll in rolls.values():
        followed, lengths = recall(roll)
        heard.append(lengths >= HEARD)
        again.append((followed == roll).all(axis=(1, 2)))
    known = np.concatenate(heard)
    exact = np.concatenate(again)[known]
    return float(known.mean()), float(exact.mean()) if len(exact) else 0.0
