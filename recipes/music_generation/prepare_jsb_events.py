"""Prepare the JSB chorales as event symbols, four voices: for models that harmonise a soprano.

SOURCE is jsb-chorales-16th.json or jsb-chorales-quarter.json of the JSB-Chorales-dataset, with the
splits of Boulanger-Lewandowski et al. (2012). These files tell neither bars nor keys nor where a pitch
is struck again: bars are of 4/4 from the first frame on, and a pitch that stays is one long note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from audio_rnn.data.rolls import LOWEST_PITCH, Roll
from audio_rnn.midi.piece import QUARTER, Note, Piece, Voice
from audio_rnn.midi.tidy import tidy
from recipes.music_generation.pieces import SPLITS, write_corpus
from recipes.music_generation.prepare_jsb import read_json, voices
from recipes.prepare import Source, run

STEPS = {"16th": QUARTER // 4, "quarter": QUARTER}  # of a frame


@dataclass(frozen=True)
class Options:
    source: Source
    """A .json file of the data set."""
    output: Path = Path("data/jsb_events")
    """Folder for the pieces."""
    grid: Literal["16th", "quarter"] = "16th"
    """How long a frame of the file is."""


def prepare(options: Options) -> None:
    """Write the chorales. Raises: InputError."""
    read = read_json(options.source)
    splits: dict[str, dict[str, Piece]] = {}
    for split in SPLITS:
        named = {f"{split}-{n:03}": frames for n, frames in enumerate(read[split], 1)}
        rolls = {name: voices(f, f"{options.source}: {name}") for name, f in named.items()}
        splits[split] = {name: to_piece(roll, STEPS[options.grid]) for name, roll in rolls.items()}
    write_corpus(options.output, splits)


def to_piece(roll: Roll, steps: int) -> Piece:
    """A tidy piece of a roll (frames, voices, keys), whose frames last so many steps.

    Raises: MusicError for a roll without notes.
    """
    sung = [tuple(_notes(roll[:, voice], steps)) for voice in range(roll.shape[1])]
    return tidy(Piece(tuple(Voice(notes) for notes in sung)))


def _notes(frames: np.ndarray, steps: int) -> Iterator[Note]:
    """Of one voice, (frames, keys): a note for each run of equal frames."""
    keys = [int(frame.argmax()) if frame.any() else None for frame in frames]
    start = 0
    for key, run_of in groupby(keys):
        length = len(list(run_of))
        if key is not None:
            yield Note(start * steps, key + LOWEST_PITCH, length * steps)
        start += length


if __name__ == "__main__":
    run(prepare, Options, __doc__)
