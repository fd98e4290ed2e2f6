"""Statistics of pieces, against muspy, and passages that melodies share."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.metrics.copying import Melodies, melody_of
from audio_rnn.metrics.music import measure_music
from audio_rnn.midi.piece import QUARTER, Note, Piece, Voice, transpose
from audio_rnn.midi.tidy import tidy
from tests.midi.pieces import pieces, tune


@pytest.fixture(scope="module")
def muspy() -> ModuleType:
    """A second opinion, where it is installed."""
    return pytest.importorskip("muspy", reason="needs muspy, which the project does not ask for")


@settings(max_examples=40)
@given(raw=pieces)
def test_statistics_are_those_of_muspy(muspy: ModuleType, raw: Piece):
    piece = tidy(raw)
    tracks = [
        muspy.Track(notes=[muspy.Note(n.start, n.pitch, n.length, n.velocity) for n in voice.notes])
        for voice in piece.voices
    ]
    music = muspy.Music(resolution=QUARTER, tracks=tracks)
    found = measure_music(piece)
    assert found.scale_consistency == pytest.approx(muspy.scale_consistency(music))
    assert found.pitch_class_entropy == pytest.approx(muspy.pitch_class_entropy(music))
    assert found.polyphony == pytest.approx(muspy.polyphony(music))
    groove = muspy.groove_consistency(music, piece.meters[0].bar)
    assert found.groove_consistency == pytest.approx(groove, nan_ok=True)


def test_a_scale_is_consistent_and_a_chord_polyphonic():
    found = measure_music(tune(60, 62, 64, 65, 67, 69, 71, 72))
    assert (found.scale_consistency, found.polyphony, found.bars) == (1.0, 1.0, 2)
    chord = Piece((Voice(tuple(Note(0, pitch, 24) for pitch in (60, 64, 67))),))
    assert measure_music(tidy(chord)).polyphony == 3
    assert measure_music(tune(60, 61, 62, 63)).scale_consistency == 0.75
    assert measure_music(tune(60, 60)).pitch_class_entropy == 0


def test_bars_that_come_again_are_counted():
    bars = {"a": (60, 62, 64, 65), "b": (67, 65, 64, 62), "c": (60, 62, 64, 64)}
    found = {form: measure_music(tune(*(p for n in form for p in bars[n]))) for form in FORMS}
    assert {form: s.repetition for form, s in found.items()} == pytest.approx(FORMS)
    assert [s.in_a_row for s in found.values()] == [1, 1, 2, 4, 3]


FORMS = {"abc": 0.0, "aba": 1 / 3, "abab": 0.5, "aaaa": 0.75, "cababab": 4 / 7}
melodies = st.lists(st.integers(50, 60), min_size=1, max_size=40).map(lambda p: tune(*p))


@settings(max_examples=60)
@given(melodies, melodies, st.integers(-9, 9))
def test_the_longest_shared_passage_is_what_trying_all_finds(one: Piece, two: Piece, key: int):
    index = Melodies.of({"other": melody_of(tune(40, 90)), "two": melody_of(two)})
    moved = transpose(one, key)
    assert moved is not None
    found = index.longest_shared(melody_of(moved))
    a, b = ([n.pitch for n in melody_of(piece)] for piece in (one, two))
    steps = [[y - x for x, y in pairwise(row)] for row in (a, b)]
    longest = max(
        (
            size
            for size in range(1, len(steps[0]) + 1)
            for i in range(len(steps[0]) - size + 1)
            if any(
                steps[0][i : i + size] == steps[1][j : j + size]
                for j in range(len(steps[1]) - size + 1)
            )
        ),
        default=0,
    )
    assert found.notes == (longest + 1 if longest else 0)
    assert found.source == ("two" if longest else "")


def test_no_passage_goes_from_one_melody_into_the_next():
    index = Melodies.of({"a": melody_of(tune(60, 62, 64)), "b": melody_of(tune(64, 65, 67))})
    assert index.longest_shared(melody_of(tune(60, 62, 64, 65, 67))).notes == 3
