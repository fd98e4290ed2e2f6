"""Every piece in one key, C major or A minor: what a model learns there holds in all others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from audio_rnn.midi.piece import FIFTHS, Key, Piece, transpose
from audio_rnn.midi.tidy import tidy

# How well each degree fits a key, as listeners judged (Krumhansl & Kessler 1982), from the tonic up
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NEAREST = range(-5, 7)  # semitones to a key, in the octave that is next


@dataclass(frozen=True)
class Home:
    """The way from home to where a piece stands."""

    fifths: int  # of its key signature
    semitones: int

    @classmethod
    def of_key(cls, key: Key) -> Home:
        """The shortest way to a key."""
        return cls(key.fifths, _nearest(key.fifths))

    @classmethod
    def of(cls, piece: Piece) -> Home:
        """That of a piece's first key; where it has none, of the one that fits it best.

        A piece so wide that at home it would leave MIDI's range is at home where it is.
        """
        key = piece.keys[0] if piece.keys else estimate_key(piece)
        near = _nearest(key.fifths)
        for semitones in sorted((near, near - 12, near + 12), key=abs):
            if transpose(piece, -semitones) is not None:
                return cls(key.fifths, semitones)
        return cls(0, 0)

    def bring(self, piece: Piece) -> Piece:
        """A piece that stands there, at home."""
        return self._move(piece, -1)

    def lead(self, piece: Piece) -> Piece:
        """A piece at home, brought there."""
        return self._move(piece, 1)

    def bring_key(self, key: Key) -> Key:
        """A key, as it is called at home."""
        return replace(key, fifths=_spelled(key.fifths - self.fifths))

    def lead_key(self, key: Key) -> Key:
        """A key at home, as it is called there."""
        return replace(key, fifths=_spelled(key.fifths + self.fifths))

    def _move(self, piece: Piece, direction: int) -> Piece:
        moved = transpose(piece, direction * self.semitones)
        if moved is None:
            raise ValueError(f"{self} leads out of MIDI's range")
        keys = map(self.lead_key if direction > 0 else self.bring_key, piece.keys)
        return tidy(replace(moved, keys=tuple(keys)))  # two spellings may have become one


STAY = Home(0, 0)  # of a piece that is written as it stands


def estimate_key(piece: Piece) -> Key:
    """The key whose profile correlates best with how long each pitch class sounds."""
    sounding = np.zeros(12)
    for voice in piece.voices:
        for note in voice.notes:
            sounding[note.pitch % 12] += note.length
    keys = [Key(0, fifths, minor) for minor in (False, True) for fifths in range(-5, 7)]
    profiles = [np.roll(MINOR if key.minor else MAJOR, key.tonic) for key in keys]
    fits = np.nan_to_num([np.corrcoef(sounding, profile)[0, 1] for profile in profiles])
    return keys[int(fits.argmax())]


def _nearest(fifths: int) -> int:
    return next(n for n in NEAREST if (n - 7 * fifths) % 12 == 0)


def _spelled(fifths: int) -> int:
    """A key signature of equal sound, with at most seven sharps or flats."""
    return fifths if fifths in FIFTHS else (fifths + 5) % 12 - 5
