"""How surprising a piece is, note by note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.home import Home
from audio_rnn.midi.piece import Note
from audio_rnn.midi.symbols import KIND, Kind


@dataclass(frozen=True)
class NoteScore:
    """One note of a piece, and how surprising it is."""

    voice: int  # from 0
    note: Note
    nats: float  # its pitch, and its share of what tells when its chord begins and ends


@dataclass(frozen=True)
class Score:
    """The likelihood of a piece under a model."""

    notes: tuple[NoteScore, ...]
    nats: float  # of all symbols, the end included
    symbols: int


def score_notes(ids: Sequence[int], nats: np.ndarray, home: Home) -> Iterator[NoteScore]:
    """What a chord's symbols cost, from the end of the chord before on, among its notes.

    Args:
        ids: symbols of a piece at home.
        nats: (symbols,) or longer, of each.
        home: the way to where the piece stands, which is where its notes are told.
    """
    reader = read_symbols(())
    pitches: list[float] = []
    others = 0.0
    for symbol, cost in zip(ids, nats.tolist()):
        if KIND[symbol] == Kind.PITCH:
            pitches.append(cost)
        else:
            others += cost
        notes = reader.take(symbol)
        if notes:
            for note, own in zip(notes, pitches):
                there = replace(note, pitch=note.pitch + home.semitones)
                yield NoteScore(reader.grammar.state["voice"], there, own + others / len(notes))
            pitches, others = [], 0.0
