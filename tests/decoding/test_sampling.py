"""Drawn symbols: valid pieces whatever the network says, the same alone and side by side."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Iterable
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.guidance import GuidedStepper
from audio_rnn.decoding.likeliest import find_likeliest
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.planned import Planned
from audio_rnn.decoding.sampling import AHEAD, Chances, Sampler, SamplingConfig, draw
from audio_rnn.decoding.wishes import wished
from audio_rnn.errors import ConfigError, DecodingError, MusicError
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.follow import NONE
from audio_rnn.midi.home import Home
from audio_rnn.midi.piece import Key
from audio_rnn.midi.symbols import FIRST, KIND, SIZE, Kind, event_vocabulary, ids_of
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.stepper import Stepper, choose_rows


@pytest.fixture(scope="module")
def stepper() -> Stepper:
    """A network that knows nothing of music."""
    torch.manual_seed(3)
    config = SequenceConfig(embedding=12, cell="gru", hidden=24, layers=2)
    return Stepper(SequenceModel(config, event_vocabulary()).eval())


def generate(sampler: Sampler, plan: Plan, seeds: Iterable[int]) -> list[list[int]]:
    seeds = list(seeds)
    constraints = [Planned(plan) for _ in seeds]
    pieces: list[list[int]] = [[] for _ in seeds]
    for step in sampler.sample(constraints, seeds):
        for row, symbol in step:
            pieces[row].append(symbol)
    return pieces


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    bars=st.integers(1, 6),
    meter=st.sampled_from([None, (3, 4), (6, 8), (1, 16)]),
    fifths=st.integers(-6, 6),
    lowest=st.integers(0, 110),
    width=st.integers(2, 17),
    temperature=st.sampled_from([0.2, 1.0, 3.0]),
)
def test_every_sample_is_a_piece_as_planned(
    stepper: Stepper, seed, bars, meter, fifths, lowest, width, temperature
):
    key = Key(0, fifths, minor=bool(seed % 2))
    plan = Plan(key, meter, 100, bars, (0.0, 1.0), None, lowest, lowest + width, scale=True)
    sampler = Sampler(stepper, SamplingConfig(temperature, top_p=0.98))
    (ids,) = generate(sampler, plan, [seed])
    piece = decode(ids)
    assert len(list(piece.bars())) == bars
    assert (piece.keys, [t.bpm for t in piece.tempos]) == ((key,), [100])
    assert meter is None or {(m.beats, m.unit) for m in piece.meters} == {meter}
    scale = {0, 2, 4, 5, 7, 9, 11} if not key.minor else {0, 2, 3, 5, 7, 8, 9, 10, 11}
    for note in (note for voice in piece.voices for note in voice.notes):
        assert lowest <= note.pitch <= lowest + width
        assert (note.pitch - key.tonic) % 12 in scale


def test_pieces_of_a_batch_are_those_drawn_alone(stepper: Stepper):
    sampler = Sampler(stepper, SamplingConfig(0.8, top_k=30, top_p=0.9, repetition=2.0))
    plan = Plan(bars=3)
    together = generate(sampler, plan, range(6))
    assert together == [generate(sampler, plan, [seed])[0] for seed in range(6)]
    assert len({tuple(ids) for ids in together}) == 6


def test_chances_are_those_of_each_seed_alone():
    chances, drawn = Chances([3, 4, 5]), []
    for step in range(2 * AHEAD + 3):
        if step == AHEAD + 1:
            chances.keep(np.array([False, True, False]))
        drawn.append(chances.draw()[1 if step <= AHEAD else 0])
    assert drawn == np.random.default_rng(4).random(len(drawn)).tolist()


def test_a_piece_without_end_goes_on_in_constant_memory(stepper: Stepper):
    plan = Planned(Plan(bars=float("inf"), meter=(2, 4)))
    steps = Sampler(stepper, SamplingConfig()).sample([plan], [0])
    bars = sum(KIND[symbol] == Kind.BAR for ((_, symbol),) in islice(steps, 1000))
    tracemalloc.start()
    deque(islice(steps, 2000), 0)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bars > 10
    assert taken < 50_000


def test_density_follows_the_plan_along_the_piece(stepper: Stepper):
    sampler = Sampler(stepper, SamplingConfig())
    (ids,) = generate(sampler, Plan(bars=16, meter=(1, 4), density=(0.0, 1.0)), [0])
    told = [symbol - ids_of(Kind.DENSITY).start for symbol in ids if KIND[symbol] == Kind.DENSITY]
    assert told == [0, 5, 11, 16]


def test_density_and_register_are_asked_in_shares_of_what_was_told():
    told = np.zeros(SIZE, int)
    told[ids_of(Kind.DENSITY)][[3, 5, 9]] = 10, 80, 10
    told[ids_of(Kind.REGISTER)][[30, 36]] = 50, 50
    found = []
    for level in (0.0, 0.05, 0.2, 0.45, 0.95, 1.0):
        plan = Plan(density=(level, level), register=(level, level))
        found.append(asked(Planned(plan, None, None, Home(-4, -4), told)))
    assert [density for density, _ in found] == [3, 3, 5, 5, 9, 9]
    assert [register for _, register in found] == [32] * 4 + [38, 38]  # at home, 4 higher
    free = Planned(Plan(), None, None, Home(-4, -4), told, first_register=0.9)
    assert asked(free) == (NONE, 38)
    free.take(FIRST[Kind.BAR])
    free.take(FIRST[Kind.BAR])  # later, the model has its own way
    assert asked(free) == (NONE, NONE)


def asked(piece: Planned) -> tuple[int, int]:
    """Indices of density and register."""
    state, wishes = piece.grammar.state.record, piece.wishes[0]
    return wished(Kind.DENSITY, state, wishes), wished(Kind.REGISTER, state, wishes)


def test_guidance_enlarges_the_difference_to_what_is_usual(stepper: Stepper):
    usual = np.arange(SIZE)
    high, middle = event_vocabulary().ids["register_90"], event_vocabulary().ids["register_72"]
    usual[high] = middle
    guided = GuidedStepper(stepper, usual, 2.0)
    start, state = guided.start(2)
    logits, _ = guided.step(np.array([high, middle]), choose_rows(state, np.array([1, 0])))
    plain = stepper.start(2)
    assert np.array_equal(start, plain[0])
    asked, _ = stepper.step(np.array([high, middle]), plain[1])
    assert np.array_equal(logits[1], asked[1])
    np.testing.assert_allclose(logits[0], 2 * asked[0] - asked[1], atol=1e-6)


def test_a_plan_is_for_where_the_piece_will_stand(stepper: Stepper):
    plan = Plan(key=Key(0, 3, minor=True), lowest=60, highest=70, bars=2, scale=True)
    home = Home.of_key(Key(0, 3, minor=True))
    constraint, ids = Planned(plan, home=home), []
    for step in Sampler(stepper, SamplingConfig()).sample([constraint], [1]):
        ids.append(step[0][1])
    piece = home.lead(tidy(decode(ids)))
    assert piece.keys == (Key(0, 3, minor=True),)
    pitches = {note.pitch for voice in piece.voices for note in voice.notes}
    assert pitches <= {61, 62, 63, 64, 65, 66, 68, 69}


def test_a_penalty_makes_pitches_come_again_less_and_spares_what_is_not_counted(stepper: Stepper):
    counted = np.arange(SIZE) < 8
    recent = np.array([[1, 2, 700, NONE]])
    logits = np.zeros((1, SIZE), np.float32)
    allowed = np.isin(np.arange(SIZE), (1, 3, 700))[None]
    sampler = Sampler(stepper, SamplingConfig(repetition=3.0), counted)
    random = np.random.default_rng(0)
    drawn = [int(sampler.draw(logits, allowed, random.random(1), recent)[0]) for _ in range(2100)]
    shares = [drawn.count(symbol) / 2100 for symbol in (1, 3, 700)]
    assert shares == pytest.approx([1 / 7, 3 / 7, 3 / 7], abs=0.03)


def test_draws_follow_the_probabilities():
    logits = np.log(np.array([[0.5, 0.2, 0.2, 0.1]], np.float32))
    allowed = np.array([[True, True, False, True]])
    chances = np.linspace(0, 1, 8000, endpoint=False)
    rows = (np.repeat(part, 8000, axis=0) for part in (logits, allowed))
    counts = np.bincount(draw(*rows, chances, 1.0, 4, 1.0), minlength=4)
    assert np.abs(counts - [5000, 2000, 0, 1000]).max() <= 1


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p", "expected"),
    [
        (1.0, 1, 1.0, {0}),
        (1.0, 2, 1.0, {0, 1}),
        (1.0, 4, 0.5, {0}),
        (1.0, 4, 0.75, {0, 1}),
        (1.0, 4, 1e-9, {0}),
        (0.01, 4, 1.0, {0}),
        (1.0, 4, 1.0, {0, 1, 2, 3}),
    ],
)
def test_what_is_unlikely_is_cut(temperature: float, top_k: int, top_p: float, expected: set[int]):
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32)).repeat(500, 0)
    chances = np.linspace(0, 1, 500, endpoint=False)
    drawn = draw(logits, np.ones((500, 4), bool), chances, temperature, top_k, top_p)
    assert set(drawn.tolist()) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": 0.0}, "temperature: found 0.0, expected above 0"),
        ({"temperature": -1.0}, "temperature: found -1.0"),
        ({"top_p": 0.0}, "top_p: found 0.0, expected above 0, at most 1"),
        ({"top_k": 0}, "top_k: found 0, expected 1 or more"),
        ({"repetition": 0.0}, "repetition: found 0.0"),
    ],
)
def test_impossible_settings_are_named(values: dict[str, float], message: str):
    with pytest.raises(ConfigError, match=message):
        SamplingConfig(**values)


def test_impossible_plans_are_named():
    with pytest.raises(
        MusicError, match="found no pitch from 61 to 61 that the model knows in the"
    ):
        Planned(Plan(key=Key(0, 0), scale=True, lowest=61, highest=61))
    with pytest.raises(MusicError, match="scale: found no key"):
        Planned(Plan(scale=True))
    with pytest.raises(ConfigError, match="bars: found 0, expected 1 or more"):
        Plan(bars=0)
    known = np.ones(SIZE, bool)
    known[ids_of(Kind.METER)] = False
    known[event_vocabulary().ids["meter_3/4"]] = True
    with pytest.raises(
        MusicError, match="meter: found 7/8, which the model never saw; expected one of 3/4"
    ):
        Planned(Plan(meter=(7, 8)), known)


def test_masks_that_leave_nothing_end_with_an_error(stepper: Stepper):
    known = np.ones(SIZE, bool)
    known[ids_of(Kind.LENGTH)] = False
    with pytest.raises(DecodingError, match="found no symbol that may come next"):
        list(Sampler(stepper, SamplingConfig()).sample([Planned(Plan(bars=2), known)], [0]))


def test_the_likeliest_piece_is_at_least_as_likely_as_a_greedy_one(stepper: Stepper):
    plan = Plan(bars=1, meter=(1, 4))
    narrow = find_likeliest(stepper, Planned(plan), 1, 500)
    wide = find_likeliest(stepper, Planned(plan), 8, 500)
    decode(narrow.symbols)
    decode(wide.symbols)
    score = lambda h: h.log_prob / (len(h.symbols) + 1)  # noqa: E731
    assert score(wide) >= score(narrow)
    greedy = Sampler(stepper, SamplingConfig(top_k=1))
    assert generate(greedy, plan, [0]) == [narrow.symbols]
