"""What a piece is to be like, told along it for a model to learn from.

How many bars it has, and how dense and how high its melody is, four bars at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from audio_rnn.midi.encoding import encode
from audio_rnn.midi.piece import QUARTER, Bar, Note, Piece
from audio_rnn.midi.symbols import BARS, DENSITIES, REGISTERS, Kind, identify

SPAN = 4  # bars that are told together


def encode_with_controls(piece: Piece, bars: float | None = None) -> list[int]:
    """Ids of a tidy piece, with its number of bars, and density and register of its first voice.

    These two stand in the first of every four bars, where they change; silence has no register.

    Args:
        bars: those of the whole, of which this is the beginning; None for the piece's own.
    """
    annotations: dict[int, list[int]] = {}
    current: dict[Kind, int] = {}
    for start, told in tell(piece, bars):
        changed = {kind: index for kind, index in told.items() if current.get(kind) != index}
        current |= changed
        annotations[start] = [identify(kind, index) for kind, index in changed.items()]
    return encode(piece, annotations)


def tell(piece: Piece, bars: float | None = None) -> Iterator[tuple[int, dict[Kind, int]]]:
    """The first step of every four bars, and what is told of them."""
    melody, own = piece.voices[0].notes, list(piece.bars())
    number = len(own) if bars is None else bars
    length = {Kind.BARS: BARS.index(int(number))} if number in BARS else {}
    for i in range(0, len(own), SPAN):
        start, end = span(own, i)
        inside = [note for note in melody if start <= note.start < end]
        yield start, (length if i == 0 else {}) | measure(inside, end - start)


def span(bars: list[Bar], first: int) -> tuple[int, int]:
    """Where the bars that are told together with the first of them begin and end."""
    return bars[first].start, bars[min(first + SPAN, len(bars)) - 1].end


def measure(notes: list[Note], steps: int) -> dict[Kind, int]:
    """The nearest density and register of notes that begin within so many steps."""
    density = len({note.start for note in notes}) / (steps / QUARTER)
    told = {Kind.DENSITY: _nearest(density / DENSITIES[1], len(DENSITIES))}
    if notes:
        mean = sum(note.pitch for note in notes) / len(notes)
        told[Kind.REGISTER] = _nearest(mean / REGISTERS.step, len(REGISTERS))
    return told


def _nearest(value: float, count: int) -> int:
    return min(int(value + 0.5), count - 1)
