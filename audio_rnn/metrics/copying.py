"""How much of a melody stands in others, in any key: the longest passage that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audio_rnn.midi.piece import Note, Piece

LONG = 4096  # steps to the next note that are told apart
BASE = np.uint64(0x9E3779B97F4A7C15)  # of polynomial hashes modulo 2^64; odd


@dataclass(frozen=True)
class SharedPassage:
    """The longest run of notes with the same intervals and the same rhythm."""

    notes: int
    start: int  # its first note in the melody
    source: str  # the melody it stands in, too; empty where nothing is shared


@dataclass(frozen=True)
class Melodies:
    """Melodies to look for passages in."""

    names: tuple[str, ...]
    starts: np.ndarray  # (melodies,) where each begins in `moves`
    moves: np.ndarray  # (moves,) int64

    @classmethod
    def of(cls, melodies: Mapping[str, Sequence[Note]]) -> Melodies:
        """An index of melodies by name."""
        rows = [melody_moves(notes, end=-1 - i) for i, notes in enumerate(melodies.values())]
        starts = np.cumsum([0, *map(len, rows)])[:-1]
        return cls(tuple(melodies), starts, np.concatenate([np.zeros(0, np.int64), *rows]))

    def longest_shared(self, melody: Sequence[Note]) -> SharedPassage:
        """The longest passage of a melody that stands in one of these."""
        moves = melody_moves(melody)
        low, found = 0, None
        high = min(len(moves), len(self.moves))
        while low < high:
            size = (low + high + 1) // 2
            match = self._match(moves, size)
            low, high, found = (size, high, match) if match else (low, size - 1, found)
        if found is None:
            return SharedPassage(0, 0, "")
        start, place = found
        tune = int(np.searchsorted(self.starts, place, side="right")) - 1
        return SharedPassage(low + 1, start, self.names[tune])

    def _match(self, moves: np.ndarray, size: int) -> tuple[int, int] | None:
        """Where a passage of so many moves begins in `moves`, and where here."""
        wanted, starts = np.unique(_hashes(moves, size), return_index=True)
        known = _hashes(self.moves, size)
        nearest = wanted.searchsorted(known).clip(max=len(wanted) - 1)  # few are looked up in
        places = np.flatnonzero(wanted[nearest] == known)
        found = starts[nearest[places]]
        for i in found.argsort(kind="stable"):
            start, place = int(found[i]), int(places[i])
            if np.array_equal(self.moves[place : place + size], moves[start : start + size]):
                return start, place
        return None


def melody_of(piece: Piece) -> list[Note]:
    """The highest note of the first voice at each step where one begins."""
    highest = {note.start: note for note in piece.voices[0].notes}  # by pitch: the last is highest
    return list(highest.values())


def melody_moves(melody: Sequence[Note], end: int | None = None) -> np.ndarray:
    """Interval and steps to the next note, as one number; then `end`, which no melody shares."""
    starts = np.array([note.start for note in melody], np.int64)
    pitches = np.array([note.pitch for note in melody], np.int64)
    moves = (np.diff(pitches) + 128) * LONG + np.minimum(np.diff(starts), LONG - 1)
    return moves if end is None else np.append(moves, end)


def _hashes(moves: np.ndarray, size: int) -> np.ndarray:
    """(moves - size + 1,) one number for each passage; equal passages have equal ones."""
    with np.errstate(over="ignore"):
        values = moves.astype(np.uint64)
        hashes = np.zeros(max(len(moves) - size + 1, 0), np.uint64)
        done, power = 0, np.uint64(1)
        # Doubling: the hash of 2n moves from those of n
        block, block_size, block_power = values, 1, BASE
        while size:
            if size & 1:
                part = block[done : done + len(hashes)]
                hashes = hashes + part * power
                power = power * block_power
                done += block_size
            size >>= 1
            if size:
                block = block[:-block_size] + block[block_size:] * block_power
                block_power = block_power * block_power
                block_size *= 2
    return hashes
