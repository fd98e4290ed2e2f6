"""A recording and its text: times, what does not fit, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding.alignment.text import DOUBTFUL
from audio_rnn.decoding.greedy import best_path
from audio_rnn.errors import AlignmentError, AudioError, VocabularyError
from audio_rnn.inference.aligner import Aligner
from audio_rnn.inference.loudness import LoudnessMeter
from audio_rnn.inference.plot.alignment import save_plot
from audio_rnn.inference.plot.spectrogram import check_picture, read_span
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.folder import write_model
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.vocabulary import Vocabulary
from tests.small_model import RATE, sound, write_sounds


def save_reader(folder: Path) -> Path:
    """A run folder with a model of random weights, which is sure of what it writes."""
    torch.manual_seed(5)
    vocabulary = Vocabulary.from_texts(["abcdefgh ijkl"])
    acoustic = AcousticConfig(recurrent=RecurrentConfig(hidden=16, layers=1))
    model = SpeechModel(SpeechConfig(acoustic=acoustic), vocabulary)
    with torch.no_grad():
        model.acoustic.output.weight.mul_(60)
    write_model(folder / "model", model, model.describe())
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_reader(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def aligner(folder) -> Aligner:
    return Aligner.load(folder, device="cpu")


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    [path] = write_sounds(tmp_path_factory.mktemp("audio"), 30.0)
    return path


def heard_lines(aligner: Aligner, path: Path, words: int = 6) -> list[str]:
    """What the model itself writes, some words a line."""
    path_ = best_path(aligner.hear(path).posteriors.log_probs)
    found = aligner.model.vocabulary.decode([e.symbol for e in path_]).split()
    return [" ".join(found[i : i + words]) for i in range(0, len(found), words)]


def test_the_words_of_the_model_are_found_where_it_writes_them(aligner, talk):
    lines = heard_lines(aligner, talk)
    alignment = aligner.align(talk, lines)
    assert (alignment.path, alignment.duration, alignment.gaps) == (str(talk), 30.0, ())
    path = best_path(aligner.hear(talk).posteriors.log_probs)
    symbols = aligner.model.vocabulary.symbols
    letters = [e for e in path if symbols[e.symbol] != " "]
    found = [symbol for u in alignment.utterances for symbol in u.symbols]
    assert [s.text for s in found] == [symbols[e.symbol] for e in letters]
    starts = [e.start * aligner.model.step_seconds for e in letters]
    assert np.mean([abs(s.start - start) < 0.031 for s, start in zip(found, starts)]) > 0.98
    assert [" ".join(w.text for w in u.words) for u in alignment.utterances] == lines
    assert all(u.confidence > DOUBTFUL for u in alignment.utterances)
    words = [word for u in alignment.utterances for word in u.words]
    assert all(a.start < a.end <= b.start < b.end <= 30.0 for a, b in pairwise(words))


def test_lines_that_are_left_out_or_made_up_are_reported(aligner, talk):
    lines = heard_lines(aligner, talk)
    made_up = "acad babd " * 8
    alignment = aligner.align(talk, [*lines[:2], made_up, *lines[3:5], *lines[6:]])
    doubtful = [u.line for u in alignment.utterances if u.confidence < DOUBTFUL]
    assert doubtful == [3]
    assert len(alignment.gaps) == 2
    for gap, left_out in zip(alignment.gaps, (lines[2], lines[5]), strict=True):
        assert left_out[8:-8] in gap.heard


def test_the_length_of_silence_around_is_found_not_filled(aligner, tmp_path, talk):
    late = tmp_path / "late.wav"
    noise = np.random.default_rng(0).normal(0, 1e-4, 6 * RATE).astype(np.float32)
    write_audio(late, np.concatenate([noise, read_audio(talk, RATE)]), RATE)
    lines = heard_lines(aligner, talk)[2:]
    shifted = aligner.align(late, lines).utterances
    for one, other in zip(shifted, aligner.align(talk, lines).utterances, strict=True):
        assert one.symbols[0].start == pytest.approx(other.symbols[0].start + 6, abs=0.15)
        assert one.symbols[-1].end == pytest.approx(other.symbols[-1].end + 6, abs=0.15)


def test_what_cannot_be_aligned_is_named(aligner, talk, tmp_path):
    with pytest.raises(VocabularyError, match="line 2: found 'u' in 'Fuzzy!'"):
        aligner.align(talk, ["Feed a kid,", "Fuzzy!"])
    with pytest.raises(AlignmentError, match="found no text"):
        aligner.align(talk, ["", " "])
    with pytest.raises(AudioError, match=r"missing\.wav: cannot be read"):
        aligner.align(tmp_path / "missing.wav", ["a bad cab"])
    [short] = write_sounds(tmp_path, 0.5)
    with pytest.raises(AlignmentError, match=r"found 1 lines that take 0\.9 s at the very least"):
        aligner.align(short, ["abcde fghij klabc defgh ijkla"])


@given(st.lists(st.integers(0, 700), max_size=12), st.sampled_from([8000, 11025, 22050]))
def test_loudness_does_not_depend_on_the_blocks(sizes, rate):
    samples = np.random.default_rng(1).normal(0, 0.1, sum(sizes)).astype(np.float32)
    whole, cut = LoudnessMeter(rate), LoudnessMeter(rate)
    whole.add(samples)
    for block in np.split(samples, np.cumsum(sizes)):
        cut.add(block)
    assert cut.values() == pytest.approx(whole.values(), abs=1e-3)
    assert cut.samples == len(samples)


def test_loudness_is_in_decibels_of_full_scale():
    meter = LoudnessMeter(RATE)
    meter.add(np.concatenate([np.zeros(1600), np.full(1600, 0.1), np.ones(1600)]))
    values = meter.values()
    assert len(values) == 30
    assert values[[5, 15, 25]] == pytest.approx([-100, -20, 0], abs=0.01)


@pytest.mark.parametrize("extension", ["png", "svg"])
def test_a_picture_is_written(aligner, talk, tmp_path, extension):
    heard = aligner.hear(talk)
    alignment = aligner.place(aligner.spell(heard_lines(aligner, talk)), heard)
    picture = tmp_path / f"picture.{extension}"
    check_picture(picture)
    span = read_span(talk, heard.duration, 24.0, None)
    assert (span.start, span.end, len(span.waveform)) == (24.0, 30.0, 6 * 16000)
    assert span.waveform == pytest.approx(sound(30.0)[24 * RATE :], abs=1e-4)
    save_plot(picture, heard, alignment, span)
    content = picture.read_bytes()
    if extension == "svg":
        shown = [w.text for u in alignment.utterances for w in u.words if w.start >= 24.0]
        assert shown
        assert all(f"<!-- {text} -->".encode() in content for text in shown)
    else:
        assert content.startswith(b"\x89PNG")


def test_nothing_is_said_in_digital_silence(aligner, tmp_path):
    """A network of random weights, and a trained one, may be sure of what it hears there."""
    path = tmp_path / "silence.wav"
    write_audio(path, np.zeros(2 * RATE, np.float32), RATE)
    lines = heard_lines(aligner, path) or ["abc"]
    [utterance, *_] = aligner.align(path, lines).utterances
    assert utterance.confidence == 0
    quiet = np.random.default_rng(0).normal(0, 1e-3, 2 * RATE).astype(np.float32)
    write_audio(path, quiet, RATE)
    lines = heard_lines(aligner, path)
    assert aligner.align(path, lines).utterances[0].confidence > 0
