"""What a reader is told besides the last symbol."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audio_rnn.midi import hints, recall
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.encoding import encode
from audio_rnn.midi.hints import COLUMNS, FIRSTS, HELD, hints_of, no_memory, read_on
from audio_rnn.midi.piece import Key, Meter, Note, Piece, Voice
from audio_rnn.midi.symbols import FIRST, KIND, METERS, Kind, event_vocabulary
from tests.midi.pieces import tune

BARS_TO_COME, DENSITY, REGISTER, BAR = range(len(HELD), len(HELD) + 4)
POINTED = len(HELD) + 4
AGREED = POINTED + recall.POINTERS
PHRASE = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62, 60, 59)  # four bars


def told(symbols: list[int]) -> np.ndarray:
    """(symbols, columns): the hints behind each symbol, 0 for nothing, from 1 up."""
    return hints_of(np.array(symbols)) - FIRSTS[:-1]


def test_what_was_said_and_holds_is_told_at_every_step():
    ids = encode_with_controls(replace(tune(*PHRASE), keys=(Key(0, 1),)))
    found = told(ids)
    last = found[-1]
    assert last[HELD.index(Kind.METER)] == METERS.index((4, 4)) + 1
    for kind in (Kind.KEY, Kind.DENSITY, Kind.REGISTER):
        [said] = [symbol for symbol in ids if KIND[symbol] == kind]
        assert last[HELD.index(kind)] == said - FIRST[kind] + 1
    assert last[BARS_TO_COME] == 1
    assert last[BAR] == 4 + 1
    assert last[HELD.index(Kind.AT)] == 72 + 1
    assert (found >= 0).all()
    assert (found <= COLUMNS).all()


def test_the_rest_of_four_bars_makes_up_for_what_was_played():
    ids = encode_with_controls(tune(*PHRASE[:8], length=48))  # two notes a bar, a half each
    busy = [*ids[: ids.index(FIRST[Kind.AT])]]  # the same head, and a first bar of quarters
    assert event_vocabulary().symbols[busy[4]] == "density_0.5"
    quarters = encode(tune(80, 80, 80, 80))
    busy += quarters[quarters.index(FIRST[Kind.AT]) :] + [FIRST[Kind.BAR]]
    found = told(busy)
    assert found[4, DENSITY] == 2 + 1  # half a note a quarter
    assert found[-1, DENSITY] == 1 + 1  # 4 of 8 are played, 3 bars are left
    assert found[-1, REGISTER] < found[6, REGISTER]  # and they were higher than was told


def test_pointers_tell_what_comes_when_music_comes_again():
    ids = encode(tune(*PHRASE, *PHRASE[:12], 80, 81, 82, 83))
    found = told(ids)
    bars = np.flatnonzero(np.array(ids) == FIRST[Kind.BAR])
    known = found[:, POINTED : POINTED + 2] - 1  # by the last symbols, and 4 bars back
    inside = slice(bars[5], bars[7] - 1)
    assert (known[inside, 0] == ids[bars[5] + 1 : bars[7]]).all()
    assert (known[bars[4] : bars[7], 1] == ids[bars[4] + 1 : bars[7] + 1]).all()
    after = bars[7] + 2  # a pitch that differs: nothing agrees, until the next bar line
    assert (found[after - 1, AGREED : AGREED + 2] > 0).all()
    assert (found[after, POINTED : POINTED + 2] == 0).all()
    agreed = found[bars[4] : bars[7], AGREED + 1]
    assert (np.diff(agreed) >= 0).all()
    assert agreed[-1] == len(hints.AGREEMENTS) - 1  # more than 32 symbols


@pytest.mark.parametrize(("part", "enough"), [(PHRASE[:4], 3), (PHRASE[:8], 2), (PHRASE, 3)])
def test_what_has_come_often_enough_in_a_row_is_not_told_to_go_on(
    part: tuple[int, ...], enough: int
):
    """One, two or four bars, that come once more, and then another bar and the first of them."""
    ids = encode(tune(*part * (enough + 1), 80, 81, 82, 83, *part[:4]))
    bars = np.flatnonzero(np.array(ids) == FIRST[Kind.BAR])
    pointed, size = told(ids)[:, POINTED:].any(1), len(part) // 4
    last = enough * size  # bar in which it begins to come once more
    assert pointed[bars[last] - 8 : bars[last]].all()
    assert not pointed[bars[last] : bars[last + size] + 1].any()
    assert pointed[bars[-1] + 9 :].all()  # it may come again later


@pytest.mark.parametrize("bars", [12, 900])
def test_a_memory_reads_on_as_if_it_had_read_all(bars: int):
    rng = np.random.default_rng(0)
    pitches = rng.choice([60, 64, 67], 4 * bars)
    piece = Piece(tune(*pitches).voices, (Meter(0, 3, 4),))
    chords = Voice(tuple(Note(n * 72, 48, 72, 92) for n in range(bars)))
    ids = np.array(encode_with_controls(replace(piece, voices=(*piece.voices, chords))))
    memory = no_memory(2)
    size = memory.nbytes
    steps = [read_on(np.array([symbol, symbol]), memory) for symbol in ids]
    assert np.array_equal(np.stack(steps)[:, 1], hints_of(ids))
    assert memory.nbytes == size
    assert (hints_of(ids) < hints.HINTS).all()
