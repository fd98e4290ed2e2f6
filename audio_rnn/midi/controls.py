"""How dense and how high a melody is, told along the piece for a model to learn from."""

from __future__ import annotations

from bisect import bisect_right

from audio_rnn.midi.encoding import encode
from audio_rnn.midi.piece import QUARTER, Note, Piece
from audio_rnn.midi.symbols import Kind, identify

SPAN = 4  # bars that are told together
DENSITY_EDGES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # beginnings of notes a quarter note
REGISTER_EDGES = (48, 54, 60, 66, 72, 78, 84)  # mean pitch


def encode_with_controls(piece: Piece) -> list[int]:
    """Ids of a tidy piece, with the density and register of its first voice.

    They stand in the first of every four bars, where they change; silence has no register.
    """
    melody = piece.voices[0].notes
    annotations: dict[int, list[int]] = {}
    current: dict[Kind, int] = {}
    bars = list(piece.bars())
    for i in range(0, len(bars), SPAN):
        start, end = bars[i].start, bars[min(i + SPAN, len(bars)) - 1].end
        told = measure([note for note in melody if start <= note.start < end], end - start)
        changed = {kind: index for kind, index in told.items() if current.get(kind) != index}
        current |= changed
        annotations[start] = [identify(kind, index) for kind, index in changed.items()]
    return encode(piece, annotations)


def measure(notes: list[Note], steps: int) -> dict[Kind, int]:
    """Classes of the density and register of notes that begin within so many steps."""
    density = len({note.start for note in notes}) / (steps / QUARTER)
    told = {Kind.DENSITY: bisect_right(DENSITY_EDGES, density)}
    if notes:
        mean = sum(note.pitch for note in notes) / len(notes)
        told[Kind.REGISTER] = bisect_right(REGISTER_EDGES, mean)
    return told
