"""Prepare the JSB chorales in four voices: soprano, alto, tenor and bass on a grid.

SOURCE is jsb-chorales-16th.json, jsb-chorales-quarter.json or Jsb16thSeparated.json of the
JSB-Chorales-dataset, with the splits of Boulanger-Lewandowski et al. (2012). Where a frame says
fewer than four notes and not whose they are, they go to the voices that are nearest, in order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from audio_rnn.data.rolls import KEYS, LOWEST_PITCH, Roll
from audio_rnn.errors import MusicError, reason
from recipes.music_generation.roll_files import SPLITS, write_splits
from recipes.prepare import Source, run

VOICES = 4
USUAL = (71.0, 64.0, 58.0, 50.0)  # MIDI pitches from which a voice's first note is sought
SILENT = -1  # the pitch of a rest, as NaN is


@dataclass(frozen=True)
class Options:
    source: Source
    """A .json file of the data set."""
    output: Path = Path("data/jsb_16th")
    """Folder for the rolls."""


def prepare(options: Options) -> None:
    """Write the rolls. Raises: MusicError."""
    splits = read_json(options.source)
    named = {
        split: {f"{split}-{n:03}": piece for n, piece in enumerate(splits[split], 1)}
        for split in SPLITS
    }
    write_splits(
        options.output,
        {
            split: {
                name: voices(piece, f"{options.source}: {name}") for name, piece in rows.items()
            }
            for split, rows in named.items()
        },
    )


def read_json(path: Path) -> dict[str, list[list[Any]]]:
    """The pieces of each split, each a list of frames of pitches. Raises: MusicError."""
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MusicError(f"{path}: cannot be read: {reason(error)}; expected JSON") from error
    if not isinstance(splits, dict) or not splits.keys() >= set(SPLITS):
        raise MusicError(f"{path}: expected the splits {', '.join(SPLITS)}")
    return splits


def voices(piece: Sequence[Sequence[float]], place: str) -> Roll:
    """Frames of pitches -> roll of four voices. Raises: MusicError naming the frame."""
    roll = np.zeros((len(piece), VOICES, KEYS), np.uint8)
    last = list(USUAL)
    for frame, pitches in enumerate(piece):
        for voice, pitch in assign(pitches, last, f"{place}, frame {frame}").items():
            roll[frame, voice, int(pitch) - LOWEST_PITCH] = 1
            last[voice] = pitch
    return roll


def assign(pitches: Sequence[float], last: Sequence[float], place: str) -> dict[int, float]:
    """Which voice sings which pitch, `last` being what each sang before. Raises: MusicError."""
    if len(pitches) > VOICES:
        raise MusicError(f"{place}: found {len(pitches)} notes, expected at most {VOICES}")
    sung = {n: p for n, p in enumerate(pitches) if isfinite(p) and p != SILENT}
    if any(not 0 <= p - LOWEST_PITCH < KEYS for p in sung.values()):
        raise MusicError(
            f"{place}: found pitches {list(sung.values())}, expected "
            f"{LOWEST_PITCH} to {LOWEST_PITCH + KEYS - 1}"
        )
    if len(pitches) == VOICES:
        return sung
    notes = list(sung.values())
    nearest = min(
        combinations(range(VOICES), len(notes)),
        key=lambda chosen: sum(abs(last[voice] - note) for voice, note in zip(chosen, notes)),
    )
    return dict(zip(nearest, notes))


if __name__ == "__main__":
    run(prepare, Options, __doc__)
