"""Ids of event symbols -> a piece, or its notes one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audio_rnn.errors import MusicError
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.piece import Key, Meter, Note, Piece, Tempo, Voice
from audio_rnn.midi.state import KINDS, PieceState
from audio_rnn.midi.symbols import FIRST, KEYS, METERS, TEMPOS, VELOCITIES, Kind


def decode(ids: Sequence[int]) -> Piece:
    """The piece that symbols write; densities and registers are no part of it.

    Raises: MusicError for symbols that are no piece, or not all of one.
    """
    reader = PieceReader()
    for place, symbol in enumerate(ids, 1):
        try:
            reader.read(symbol)
        except MusicError as error:
            raise MusicError(f"symbol {place} of {len(ids)}: {error}") from None
    if not reader.grammar.allowed()[FIRST[Kind.END]]:
        raise MusicError(
            f"found {len(ids)} symbols that end inside a piece, in bar {reader.grammar.state['bar']}; "
            "expected all of it, up to the bar in which its last note ends"
        )
    return reader.piece()


def read_symbols(ids: Iterable[int]) -> PieceReader:
    """A reader that has taken symbols that are known to be a piece, or the beginning of one."""
    reader = PieceReader()
    for symbol in ids:
        reader.take(symbol)
    return reader


class PieceReader:
    """Takes symbols and keeps what they write."""

    def __init__(self, grammar: Grammar | None = None) -> None:
        self.grammar = grammar or Grammar()
        self.voices: list[list[Note]] = []
        self.programs: list[int] = []
        self.meters: list[Meter] = []
        self.keys: list[Key] = []
        self.tempos: list[Tempo] = []

    def read(self, symbol: int) -> list[Note]:
        """Go on by one symbol; returns the notes that it completes. Raises: MusicError."""
        self.grammar.check(symbol)
        return self.take(symbol)

    def take(self, symbol: int) -> list[Note]:
        """`read` of a symbol that is known to be allowed."""
        self.grammar.take(symbol)
        state, kind = self.grammar.state, KINDS[symbol]
        index = symbol - FIRST[kind]
        if kind is Kind.METER:
            self.meters.append(Meter(state["now"], *METERS[index]))
        elif kind is Kind.KEY:
            self.keys.append(Key(state["now"], KEYS[index].fifths, KEYS[index].minor))
        elif kind is Kind.TEMPO:
            self.tempos.append(Tempo(state["now"], TEMPOS[index]))
        elif kind is Kind.PROGRAM:
            self.programs.append(index)
            self.voices.append([])
        elif kind is Kind.LENGTH:
            notes = completed(state)
            self.voices[state["voice"]].extend(notes)
            return notes
        return []

    def piece(self) -> Piece:
        """What has been read."""
        voices = [Voice(tuple(sorted(n)), p) for n, p in zip(self.voices, self.programs)]
        return Piece(tuple(voices), tuple(self.meters), tuple(self.tempos), tuple(self.keys))


def completed(state: PieceState) -> list[Note]:
    """The notes of the chord whose length was read just now."""
    start, length, velocity = state["now"], state["length"], VELOCITIES[state.velocity]
    return [Note(start, pitch, length, velocity) for pitch in state.chord]
