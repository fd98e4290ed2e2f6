"""Voices around one that is given: it stays as it is, and what was to come is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.particles import draw_around
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import Sampler, SamplingConfig
from audio_rnn.errors import MusicError
from audio_rnn.inference.given_music import prepare_melody
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.piece import Key, Meter, Piece, Tempo
from audio_rnn.midi.symbols import SIZE, Kind, event_vocabulary, ids_of
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.stepper import Stepper
from tests.midi.pieces import pieces, tune

ALL = np.ones(SIZE, bool)


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    """Of a network that knows nothing of music."""
    torch.manual_seed(5)
    config = SequenceConfig(embedding=12, cell="gru", hidden=24, layers=2)
    return Sampler(
        Stepper(SequenceModel(config, event_vocabulary()).eval()), SamplingConfig(top_p=0.98)
    )


@settings(max_examples=12)
@given(raw=pieces, seed=st.integers(0, 10**6), lowest=st.integers(18, 106), several=st.booleans())
def test_the_given_voice_stays_as_it_is(sampler: Sampler, raw, seed, lowest, several):
    melody = tidy(replace(raw, voices=raw.voices[:1]))
    constraint, home = prepare_melody(melody, Plan(lowest=lowest, highest=lowest + 3), ALL)
    piece = home.lead(tidy(decode(draw_around(sampler, constraint, seed, 3 if several else 1))))
    assert piece.voices[0] == melody.voices[0]
    assert (piece.meters, piece.tempos) == (melody.meters, melody.tempos)
    assert sounding(piece) == sounding(melody) if melody.keys else len(piece.keys) == 1
    assert [bar.start for bar in piece.bars()] == [bar.start for bar in melody.bars()]
    others = [note.pitch for voice in piece.voices[1:] for note in voice.notes]
    assert len(piece.voices) > 1
    assert set(others) <= set(range(lowest, lowest + 4))


def sounding(piece: Piece) -> list[tuple[int, bool]]:
    """Keys as they are heard: one after another of another spelling is none."""
    return [key for key, _ in groupby((key.tonic, key.minor) for key in piece.keys)]


def test_a_plan_says_key_and_tempo_and_what_the_others_may_sing(sampler: Sampler):
    melody = tidy(tune(61, 62, 64, 65, 67, 69, 71, 72))
    plan = Plan(key=Key(0, 0), tempo=96, scale=True, lowest=48, highest=59)
    constraint, home = prepare_melody(melody, plan, ALL)
    piece = home.lead(tidy(decode(draw_around(sampler, constraint, 1, 4))))
    assert (piece.keys, piece.tempos) == ((Key(0, 0),), (Tempo(0, 96),))
    assert piece.voices[0] == melody.voices[0]  # its C sharp is no matter of the scale
    assert {n.pitch for v in piece.voices[1:] for n in v.notes} <= {48, 50, 52, 53, 55, 57, 59}


def known(*meters: str) -> np.ndarray:
    """All symbols, but no key, of the meters only these, and pitches from 60 to 72."""
    mask = ALL.copy()
    mask[ids_of(Kind.METER)] = mask[ids_of(Kind.PITCH)] = mask[ids_of(Kind.KEY)] = False
    names = [*(f"meter_{name}" for name in meters), *(f"pitch_{n}" for n in range(60, 73))]
    mask[[event_vocabulary().ids[name] for name in names]] = True
    return mask


@pytest.mark.parametrize(
    ("melody", "plan", "message"),
    [
        (tune(60), Plan(bars=4), "bars: found 4 for a melody that is given"),
        (tune(60), Plan(density=(0, 1)), "density: found"),
        (
            replace(tune(40), keys=(Key(0, -1),)),  # F, 5 higher than where the model reads it
            Plan(),
            "melody: found pitch 40, expected 65 to 77",
        ),
        (
            Piece(tune(60).voices, (Meter(0, 7, 8),)),
            Plan(),
            "melody: found meter 7/8, which the model never saw; expected one of 3/4, 4/4",
        ),
        (tune(60), Plan(scale=True), "scale: found no key"),
        (tune(60), Plan(lowest=80), "found no pitch from 80 to 127 that the model knows"),
    ],
)
def test_a_melody_that_cannot_be_is_named(melody: Piece, plan: Plan, message: str):
    with pytest.raises(MusicError, match=message):
        prepare_melody(tidy(melody), plan, known("3/4", "4/4"))


class Memory:
    """A model of two symbols: one of 1 and 2 at even odds, then 3 or 4, that hang on the first."""

    def start(self, batch: int) -> tuple[np.ndarray, list[tuple[np.ndarray]]]:
        return np.tile(_logits(0, 0.5, 0.5, 0, 0), (batch, 1)), [(np.zeros((batch, 1)),)]

    def step(self, symbols: np.ndarray, state: list) -> tuple[np.ndarray, list]:
        after = {1: _logits(0, 0, 0, 0.9, 0.1), 2: _logits(0, 0, 0, 0.1, 0.9)}
        end = _logits(1, 0, 0, 0, 0)
        rows = [after.get(int(symbol), end) for symbol in symbols]
        return np.array(rows, np.float32).reshape(-1, 5), [(state[0][0] + 1,)]


def _logits(*chances: float) -> np.ndarray:
    return np.log(np.array(chances, np.float32) + 1e-9)


class SecondGiven:
    """The first symbol is free, the second is 3."""

    def __init__(self, milestone: int = 0) -> None:
        self.milestone = milestone

    def allowed(self) -> np.ndarray:
        return np.isin(np.arange(5), ((1, 2), (3,), (0,))[self.milestone])

    def take(self, symbol: int) -> None:
        self.milestone += 1

    def copy(self) -> SecondGiven:
        return SecondGiven(self.milestone)


@pytest.mark.parametrize(("particles", "expected"), [(1, 0.5), (2, 0.7), (32, 0.9)])
def test_many_particles_know_what_comes(particles: int, expected: float):
    sampler = Sampler(cast(Stepper, Memory()), SamplingConfig())
    drawn = [draw_around(sampler, SecondGiven(), seed, particles) for seed in range(300)]
    assert {ids[1] for ids in drawn} == {3}
    share = np.mean([ids[0] == 1 for ids in drawn])
    assert share == pytest.approx(expected, abs=0.07)


def test_the_same_seed_draws_the_same(sampler: Sampler):
    constraint, _ = prepare_melody(tidy(tune(60, 64, 67, 72)), Plan(highest=64), ALL)
    first = draw_around(sampler, constraint, 7, 4)
    assert draw_around(sampler, constraint, 7, 4) == first
    assert draw_around(sampler, constraint, 8, 4) != first
