"""Draw many pieces from a trained model, check every one, and measure them beside real ones.

python -m recipes.music_generation.sample --model runs/music --data data/default_music/test.jsonl --output samples

Every piece is read again from its MIDI file. The table shows means over pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.data.pieces import read_pieces
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.errors import InputError, MusicError
from audio_rnn.inference.generator import Generator
from audio_rnn.metrics.copying import Melodies, melody_of
from audio_rnn.metrics.music import MusicStatistics, measure_music
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.files import read_piece, write_midi
from audio_rnn.midi.piece import Piece
from recipes.command import program


@dataclass(frozen=True)
class Options:
    """What to draw."""

    model: Path  # run folder or model folder
    data: Path  # file of pieces to compare with, such as test.jsonl
    output: Path = Path("samples")  # folder for the MIDI files
    count: int = 100  # pieces
    bars: int | None = 16  # of each
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    pieces: int
    valid: int  # files that hold the piece that was drawn, with as many bars as asked


def sample(options: Options) -> Outcome:
    """Draw, write, read, measure, print. Raises: InputError."""
    if options.count < 1:
        raise InputError(f"--count: found {options.count}, expected 1 or more")
    real = [decode(ids) for ids in read_pieces(options.data).values()]
    generator = Generator.load(options.model)
    sampling = SamplingConfig(options.temperature, top_p=options.top_p)
    pieces = generator.generate(Plan(bars=options.bars), sampling, options.seed, options.count)
    options.output.mkdir(parents=True, exist_ok=True)
    valid = sum(_check(options, n, piece) for n, piece in enumerate(pieces, options.seed))
    show({"drawn": pieces, "real": real}, generator.training.melodies)
    print(f"{valid} of {len(pieces)} files are valid")
    return Outcome(len(pieces), valid)


def _check(options: Options, number: int, piece: Piece) -> bool:
    path = options.output / f"{number:04}.mid"
    write_midi(path, piece)
    try:
        again = read_piece(path)
    except MusicError:
        return False
    return again == piece and options.bars in (None, len(list(again.bars())))


def show(groups: dict[str, Sequence[Piece]], melodies: Melodies) -> None:
    """A table of means, a column a group; copies are told of what was drawn."""
    table = Table("mean of a piece", *groups)
    found = {name: [measure_music(piece) for piece in pieces] for name, pieces in groups.items()}
    for field in fields(MusicStatistics):
        means = [np.nanmean([getattr(s, field.name) for s in found[name]]) for name in groups]
        table.add_row(field.name.replace("_", " "), *(f"{mean:.3f}" for mean in means))
    most = [max(s.in_a_row for s in found[name]) for name in groups]
    table.add_row("in a row, most", *map(str, most))
    shared = [[_longest(melodies, piece) for piece in pieces] for pieces in groups.values()]
    for title, summary in (("notes copied, median", np.median), ("notes copied, most", np.max)):
        table.add_row(title, *(f"{summary(values):.0f}" for values in shared))
    Console().print(table)


def _longest(melodies: Melodies, piece: Piece) -> int:
    return melodies.longest_shared(melody_of(piece)).notes


def main() -> None:
    """Command line."""
    sample(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
