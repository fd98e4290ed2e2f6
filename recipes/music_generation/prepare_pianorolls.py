"""Prepare one of the four piano-roll sets: JSB chorales, Nottingham, MuseData or Piano-midi.de.

SOURCE is the .mat file of the set, as distributed with the code of temporal convolutional networks
(Bai et al. 2018); the splits inside are those of Boulanger-Lewandowski et al. (2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio_rnn.data.rolls import KEYS, Roll
from audio_rnn.errors import MusicError, reason
from recipes.music_generation.roll_files import SPLITS, write_splits
from recipes.prepare import Source, run


@dataclass(frozen=True)
class Options:
    source: Source
    """The .mat file of a set."""
    output: Path = Path("data/jsb_roll")
    """Folder for the rolls."""


def prepare(options: Options) -> None:
    """Write the rolls. Raises: MusicError."""
    arrays = read_mat(options.source)
    write_splits(options.output, {split: rolls(arrays, options.source, split) for split in SPLITS})


def read_mat(path: Path) -> dict[str, Any]:
    """The arrays of a .mat file. Raises: MusicError."""
    from scipy.io import loadmat

    try:
        arrays: dict[str, Any] = loadmat(path)
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise MusicError(
            f"{path}: cannot be read: {reason(error)}; expected a .mat file"
        ) from error
    return arrays


def rolls(arrays: dict[str, Any], path: Path, split: str) -> dict[str, Roll]:
    """The pieces of a split by name. Raises: MusicError."""
    name = f"{split}data"
    if name not in arrays:
        found = ", ".join(key for key in arrays if not key.startswith("__")) or "nothing"
        raise MusicError(f"{path}: found {found}, expected {name}, valued (1, pieces)")
    pieces = {f"{split}-{n:03}": piece for n, piece in enumerate(arrays[name].flat, 1)}
    for piece, frames in pieces.items():
        if frames.ndim != 2 or frames.shape[1] != KEYS or not np.isin(frames, (0, 1)).all():
            raise MusicError(
                f"{path}: {piece}: found an array {frames.shape} from {frames.min()} to "
                f"{frames.max()}, expected (frames, {KEYS}) of 0 and 1"
            )
    return {piece: frames.astype(np.uint8)[:, np.newaxis] for piece, frames in pieces.items()}


if __name__ == "__main__":
    run(prepare, Options, __doc__)
