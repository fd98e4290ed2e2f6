"""`audio-rnn score`: how likely a piece of music is under a model, note by note."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from audio_rnn.inference.note_scores import Score
    from audio_rnn.midi.piece import Piece


@dataclass(frozen=True)
class Options:
    """Score music with a trained model: audio-rnn score tune.mid -m runs/nottingham

    Prints a line a note: bar, quarter notes from its beginning, voice, pitch, length in quarter notes,
    and its surprise in nats: that of its pitch, and its share of what tells when its chord begins and
    how long it is. The sum is on standard error.
    """

    input: Annotated[Path, tyro.conf.Positional]
    """MIDI, ABC or MusicXML file."""
    model: Annotated[Path, tyro.conf.arg(aliases=["-m"])]
    """Run folder of a training, or the model folder inside it."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status. Raises InputError."""
    options = tyro.cli(Options, prog="audio-rnn score", args=arguments)
    from audio_rnn.inference.generator import Generator
    from audio_rnn.midi.files import read_piece

    piece = read_piece(options.input)
    show(piece, Generator.load(options.model).score(piece))
    return 0


def show(piece: Piece, score: Score) -> None:
    """A line a note, and a sum."""
    from audio_rnn.midi.piece import QUARTER

    bars = list(piece.bars())
    number = 0
    print("bar\tquarter\tvoice\tpitch\tlength\tnats")
    for entry in score.notes:
        note = entry.note
        while note.start >= bars[number].end:
            number += 1
        place = (note.start - bars[number].start) / QUARTER
        print(
            f"{number + 1}\t{place:.4g}\t{entry.voice + 1}\t{note.pitch}\t"
            f"{note.length / QUARTER:.4g}\t{entry.nats:.4f}"
        )
    each = score.nats / score.symbols
    print(
        f"{score.nats:.2f} nats: {each:.4f} a symbol (perplexity {math.exp(each):.3f}), "
        f"{score.nats / len(score.notes):.4f} a note",
        file=sys.stderr,
    )
