"""Lengths of notes that symbols can write: the shortest ones, as by going through all."""

from __future__ import annotations

import numpy as np
import pytest

from audio_rnn.midi.lengths import LONGEST, following, shortest
from audio_rnn.midi.piece import WHOLE
from audio_rnn.midi.symbols import FIRST, SIZE, Kind


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("lengths", [[], [1], [24, 72], [WHOLE], list(range(1, WHOLE + 1))])
def test_the_shortest_length_of_at_least_so_many_steps(lengths: list[int], held: bool):
    usable = np.zeros(SIZE, bool)
    usable[[FIRST[Kind.LENGTH] + length - 1 for length in lengths]] = True
    after = following(usable)
    wholes = range(LONGEST // WHOLE if held else 1)
    possible = sorted(whole * WHOLE + length for whole in wholes for length in lengths)
    for least in (1, 2, 24, 25, 72, 73, WHOLE, WHOLE + 1, 1000, LONGEST - 1, LONGEST, LONGEST + 1):
        enough = [length for length in possible if length >= least]
        found = shortest(least, after, held)
        assert found == enough[0] if enough else found > LONGEST
