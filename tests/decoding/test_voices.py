"""Voices drawn around given ones: those stay, others listen to them, and the same seed draws the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audio_rnn.data.rolls import KEYS, collate
from audio_rnn.decoding import voices as voices_module
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.decoding.voices import draw_voices
from audio_rnn.models.key_heads import key_sung
from audio_rnn.models.rolls import RollModel
from tests.models.test_rolls import HIGH, IN_VOICES, LOW, make, score

FRAMES = 12
PLAIN = SamplingConfig()


@pytest.fixture(scope="module", params=IN_VOICES)
def model(request: pytest.FixtureRequest) -> RollModel:
    return make(request.param)


def draw(
    model: RollModel, given: dict[int, np.ndarray], seed: int = 0, particles: int = 5
) -> np.ndarray:
    """The keys that are sung: (frames, voices)."""
    roll = draw_voices(model, FRAMES, given, PLAIN, seed, particles)
    return key_sung(torch.from_numpy(roll)).numpy()


@pytest.mark.parametrize("particles", [1, 5])
@pytest.mark.parametrize("number", [0, 2])
def test_a_given_voice_stays_and_the_others_keep_to_the_keys_of_the_model(
    model: RollModel, number: int, particles: int
) -> None:
    line = np.random.default_rng(3).choice([LOW, LOW + 2, HIGH, KEYS, KEYS - 1], FRAMES)
    sung = draw(model, {number: line}, particles=particles)
    assert np.array_equal(sung[:, number], line)
    others = np.delete(sung, number, axis=1)
    assert set(others.ravel()) <= {*range(LOW, HIGH + 1), KEYS}
    assert len(set(others.ravel())) > 1


def test_the_same_seed_draws_the_same_and_another_something_else(model: RollModel) -> None:
    first, again, other = (draw(model, {}, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_progress_ends_at_the_whole(model: RollModel) -> None:
    told: list[float] = []
    draw_voices(model, 4, {}, PLAIN, 0, 2, told.append)
    assert told == [0.25, 0.5, 0.75, 1]


def test_frame_by_frame_and_chosen_again_the_model_hears_what_it_hears_of_whole_rolls(
    model: RollModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are those of the given voice in whole rolls, through all that was chosen again."""
    monkeypatch.setattr(voices_module, "choose_again", lambda weights, random: np.array([2, 0, 2]))
    cloud = voices_module._Cloud(model, FRAMES, PLAIN, np.random.default_rng(0), 3)
    for frame in range(FRAMES):
        cloud.advance(frame, {0: LOW, 1: HIGH, 2: KEYS} if frame == FRAMES - 1 else {})
        if frame < FRAMES - 1:
            cloud.resample()
    for roll, weight in zip(cloud.rolls, cloud.weights):
        told = score(model, collate({"a": roll}, model.library))[0, -1]
        assert weight == pytest.approx(float(told), rel=1e-5)


def test_the_first_draws_are_as_likely_as_the_model_says(model: RollModel) -> None:
    """Of a single frame without anything given, in the voice that is told first."""
    first = model.order[0]
    cloud = voices_module._Cloud(model, 1, PLAIN, np.random.default_rng(0), 600)
    cloud.advance(0, {})
    sung = key_sung(torch.from_numpy(cloud.rolls)).numpy()[:, 0, first]
    batch = collate({"a": np.zeros((1, 3, KEYS), np.uint8)}, model.library)
    with torch.no_grad():
        x, _ = model.features(batch)
        rest = torch.full((1, 1, 3), KEYS)
        chances = model.tell_voices(x, rest, rest)[0, 0, first].exp().numpy()
    allowed = [*range(LOW, HIGH + 1), KEYS]
    expected = chances[allowed] / chances[allowed].sum()
    found = np.array([(sung == key).mean() for key in allowed])
    assert np.abs(found - expected).max() < 4 * 0.5 / 600**0.5


def test_more_particles_suit_a_given_voice_better(model: RollModel) -> None:
    line = np.random.default_rng(5).integers(LOW, HIGH + 1, FRAMES)

    def nats(particles: int) -> float:
        rolls = (draw_voices(model, FRAMES, {0: line}, PLAIN, s, particles) for s in range(6))
        return -float(
            np.mean([score(model, collate({"a": roll}, model.library)).sum() for roll in rolls])
        )

    assert nats(16) < nats(1)
