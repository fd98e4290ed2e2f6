"""Sound of pieces: the right pitch at the right time, never clipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from audio_rnn.errors import MusicError
from audio_rnn.inference.synthesizer import PEAK, SAMPLE_RATE, render
from audio_rnn.midi.piece import Piece, Tempo, Voice
from tests.midi.pieces import tune


def test_a_note_sounds_at_its_pitch_when_it_should():
    piece = replace(tune(69, 81), tempos=(Tempo(0, 60),))  # a second each
    sound = render(piece)
    assert len(sound) == pytest.approx(2.06 * SAMPLE_RATE, abs=2)
    for second, frequency in ((0, 440), (1, 880)):
        part = sound[int((second + 0.1) * SAMPLE_RATE) : int((second + 0.9) * SAMPLE_RATE)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        assert spectrum.argmax() * SAMPLE_RATE / len(part) == pytest.approx(frequency, abs=2)


def test_many_notes_do_not_clip():
    chord = Voice(
        tuple(replace(n, start=0, velocity=124) for n in tune(*range(40, 80)).voices[0].notes)
    )
    sound = render(Piece((chord,)))
    assert np.abs(sound).max() == pytest.approx(PEAK, abs=1e-6)
    assert np.isfinite(sound).all()


def test_a_soundfont_sounds_as_long_and_as_loud():
    sound = render(tune(60, 64, 67), Path(pretty_midi.__file__).with_name("TimGM6mb.sf2"))
    assert len(sound) >= 1.5 * SAMPLE_RATE
    assert np.abs(sound).max() == pytest.approx(PEAK, abs=1e-6)


def test_a_file_that_is_no_soundfont_is_named(tmp_path: Path):
    path = tmp_path / "a.sf2"
    path.write_bytes(b"RIFF....WAVEfmt ")
    with pytest.raises(MusicError, match=r"a.sf2: found no SoundFont by its first bytes"):
        render(tune(60), path)
    path.write_bytes(b"RIFF....sfbkLIST")
    with pytest.raises(MusicError, match=r"a.sf2: damaged: .*; expected a whole SoundFont"):
        render(tune(60), path)
    with pytest.raises(MusicError, match=r"b.sf2: cannot be read: No such file"):
        render(tune(60), tmp_path / "b.sf2")
