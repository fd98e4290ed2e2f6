"""Which recordings share a batch."""

from __future__ import annotations

import torch

from audio_rnn.inference.batched import Recording, batches
from audio_rnn.inference.reading import SoundMeter
from tests.small_model import RATE


def test_batches_stay_in_the_budget_and_lose_nothing():
    recordings = [
        Recording(str(i), torch.zeros(n, 1), SoundMeter(RATE))
        for i, n in enumerate([5, 100, 7, 30, 30, 1, 29, 6])
    ]
    made = list(batches(recordings, budget=60))
    assert sorted(r.name for batch in made for r in batch) == sorted(r.name for r in recordings)
    for batch in made:
        longest = max(len(r.frames) for r in batch)
        assert longest * len(batch) <= 60 or len(batch) == 1
    assert len(made) <= 4
