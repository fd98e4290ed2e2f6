"""Pieces of music for tests."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from audio_rnn.midi.piece import Key, Meter, Note, Piece, Tempo, Voice

SHARED = Path(__file__).parents[3] / "shared" / "data"
NOTTINGHAM = SHARED / "nottingham"

notes = st.builds(
    Note, st.integers(0, 500), st.integers(0, 127), st.integers(1, 250), st.integers(1, 127)
)
voices = st.builds(Voice, st.lists(notes, min_size=1, max_size=20).map(tuple), st.integers(0, 127))
starts = st.integers(0, 500)
meters = st.builds(Meter, starts, st.integers(1, 8), st.sampled_from([4, 8]))
tempos = st.builds(Tempo, starts, st.integers(1, 400))
keys = st.builds(Key, starts, st.integers(-7, 7), st.booleans())
pieces = st.builds(
    Piece,
    st.lists(voices, min_size=1, max_size=4).map(tuple),
    st.lists(meters, max_size=4).map(tuple),
    st.lists(tempos, max_size=4).map(tuple),
    st.lists(keys, max_size=4).map(tuple),
)


def tune(*pitches: int, length: int = 24) -> Piece:
    """One voice of notes that follow each other, in 4/4."""
    notes = (Note(i * length, pitch, length, 92) for i, pitch in enumerate(pitches))
    return Piece((Voice(tuple(notes)),))
