"""Tagging: targets, losses, mixtures, and learning to tell sounds apart."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig
from audio_rnn.augment.clips import ClipAugment, ClipAugmentConfig, Heard
from audio_rnn.classes import Classes
from audio_rnn.data.clips import ClipBatch
from audio_rnn.features import FeatureConfig
from audio_rnn.models.convolution import ConvolutionConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.sound import SoundConfig, SoundModel
from audio_rnn.models.tagger import TaggerConfig
from audio_rnn.models.texture import TextureConfig
from audio_rnn.tasks.tagging import (
    TEXTURE_WEIGHT,
    Tagging,
    TaggingConfig,
    active_frames,
    active_steps,
    class_weights,
)

CLASSES = Classes(("low", "high", "never"))
FEATURES = FeatureConfig(
    kind="log_mel", window_ms=40, hop_ms=20, n_mels=16, deltas=0, normalization="utterance"
)
RATE = FEATURES.sample_rate
PLAIN = ClipAugmentConfig()


def make_task(
    labels: Literal["one", "several"] = "several",
    clips: ClipAugmentConfig = PLAIN,
    timed: bool = False,
    texture: float = 0.0,
    **config: float,
) -> Tagging:
    torch.manual_seed(0)
    tagger = TaggerConfig(
        ConvolutionConfig((6,), (2,), (2,)),
        RecurrentConfig(cell="gru", hidden=8, layers=1),
        texture=TextureConfig(texture),
    )
    model = SoundModel(SoundConfig(FEATURES, tagger, labels), CLASSES)
    shares = torch.tensor([0.5, 0.5, 0.0])
    return Tagging(model, AugmentConfig(), clips, TaggingConfig(**config), shares, timed)


def tones(seed: int, timed: bool, count: int = 6) -> ClipBatch:
    """A second of noise each, with a low or a high tone in a part of it."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE) / RATE
    waveforms, events = [], []
    for item in range(count):
        kind, onset = item % 2, random.uniform(0, 0.5)
        inside = (time >= onset) & (time < onset + 0.4)
        tone = np.sin(2 * np.pi * (300, 2500)[kind] * time) * inside
        waveforms.append(0.01 * random.standard_normal(RATE) + 0.3 * tone)
        events.append((item, kind, onset, onset + 0.4))
    tags = torch.zeros(count, 3)
    tags[torch.arange(count), torch.arange(count) % 2] = 1
    return ClipBatch(
        ids=[str(n) for n in range(count)],
        inputs=torch.tensor(np.array(waveforms), dtype=torch.float32),
        lengths=torch.full((count,), RATE),
        weights=torch.ones(count),
        total=count,
        seconds=torch.ones(count),
        tags=tags,
        events=torch.tensor(events) if timed else torch.zeros(0, 4),
        timed=torch.full((count,), timed),
    )


def learn(task: Tagging, timed: bool, steps: int = 60) -> dict[str, float]:
    task.model.train()
    optimizer = torch.optim.Adam(task.model.parameters(), 0.02)
    for step in range(steps):
        optimizer.zero_grad()
        torch.stack(list(task.losses(tones(step, timed)).values())).sum(0).mean().backward()
        optimizer.step()
    task.model.eval()
    with torch.no_grad():
        return task.evaluate([tones(1000, True), tones(1001, True)])


@pytest.mark.parametrize("labels", ["one", "several"])
def test_it_learns_what_is_heard(labels: Literal["one", "several"]) -> None:
    scores = learn(make_task(labels), timed=False, steps=40)
    assert scores[make_task(labels).monitor] == 1.0
    assert ("accuracy" in scores) == (labels == "one")


@pytest.mark.parametrize("labels", ["one", "several"])
def test_a_texture_learns_apart_from_the_network(labels: Literal["one", "several"]) -> None:
    """Each is taught by its own loss, the texture by whole clips as they are."""
    mixed = ClipAugmentConfig(mix_probability=1.0, excerpt_seconds=0.2)
    task = make_task(labels, mixed, texture=0.99)
    tagger, batch = task.model.tagger, tones(0, False)
    assert tagger.texture is not None
    parts = {"texture": [*tagger.texture.parameters()], "tags": [*tagger.output.parameters()]}
    for name, other in (("texture", "tags"), ("tags", "texture")):
        task.model.zero_grad()
        task.losses(batch)[name].sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in parts[name])
        assert not any(p.grad is not None and p.grad.any() for p in parts[other])
    task.model.eval()
    frames = task.model.features(batch.inputs, batch.lengths)
    loss = TEXTURE_WEIGHT * task._tag_loss(tagger.texture(*frames), batch.tags)
    task.clips.train()
    torch.testing.assert_close(task.losses(batch)["texture"], loss)
    assert learn(make_task(labels, mixed, texture=0.99), timed=False)[task.monitor] == 1.0


def test_known_events_teach_when() -> None:
    assert learn(make_task(), timed=True)["step_ap"] > 0.95


def test_where_validation_tells_when_the_best_model_is_that_of_steps() -> None:
    assert make_task().monitor == "mean_ap"
    assert make_task("one").monitor == "accuracy"
    assert make_task("one", timed=True).monitor == make_task(timed=True).monitor == "step_ap"


@torch.no_grad()
def test_clicks_shorter_than_half_a_step_are_steps_too() -> None:
    task = make_task(timed=True)
    task.model.eval()
    clips = tones(0, True)
    clips.events[:, 3] = clips.events[:, 2] + 0.005
    assert 0 <= task.evaluate([clips])[task.monitor] <= 1
    silent = replace(clips, events=torch.zeros(0, 4))
    assert "step_ap" not in task.evaluate([silent])  # no number, which would be no best model


def test_losses_are_those_of_each_clip_alone() -> None:
    task = make_task()
    task.model.eval()
    batch = tones(0, True, 2)
    together = task.losses(batch)
    for i in range(2):
        alone = replace(
            batch, ids=[str(i)], inputs=batch.inputs[i : i + 1], lengths=batch.lengths[i : i + 1],
            seconds=batch.seconds[i : i + 1], tags=batch.tags[i : i + 1], timed=batch.timed[i : i + 1],
            events=torch.cat([torch.zeros(1, 1), batch.events[i : i + 1, 1:]], 1),
        )  # fmt: skip
        for name, losses in task.losses(alone).items():
            torch.testing.assert_close(losses[0], together[name][i], atol=1e-5, rtol=0)


def test_clips_without_known_events_count_only_as_wholes() -> None:
    task = make_task()
    task.model.eval()
    mixed = replace(tones(0, True, 2), timed=torch.tensor([True, False]))
    losses = task.losses(mixed)
    assert losses["events"][0] > 0
    assert losses["events"][1] == 0
    assert "events" not in task.losses(tones(0, False, 2))
    assert "events" not in make_task(events=0.0).losses(tones(0, True, 2))


def batch_of_events(events: list[tuple[float, ...]], seconds: list[float]) -> ClipBatch:
    count = len(seconds)
    return ClipBatch(
        [str(n) for n in range(count)], torch.zeros(count, 1), torch.ones(count), torch.ones(count),
        count, torch.tensor(seconds), torch.zeros(count, 3), torch.tensor(events).reshape(-1, 4),
        torch.ones(count, dtype=torch.bool),
    )  # fmt: skip


def test_frames_are_active_from_onset_to_offset() -> None:
    batch = batch_of_events([(0, 1, 0.2, 0.5), (0, 1, 0.4, 0.6), (1, 2, 1.9, 2.0)], [1.0, 2.0])
    frames = active_frames(batch, torch.tensor([10, 20]), 20)
    assert frames[0, :, 1].nonzero().flatten().tolist() == [2, 3, 4, 5]
    assert frames[1, :, 2].nonzero().flatten().tolist() == [19]
    assert frames.sum() == 5
    slower = active_frames(batch, torch.tensor([20, 40]), 40)  # stretched by an augmentation
    assert slower[0, :, 1].nonzero().flatten().tolist() == list(range(4, 12))


def test_an_event_shorter_than_a_frame_is_one_frame() -> None:
    frames = active_frames(batch_of_events([(0, 0, 0.501, 0.502)], [1.0]), torch.tensor([10]), 10)
    assert frames[0, :, 0].nonzero().flatten().tolist() == [5]


def test_an_event_at_the_very_end_is_the_last_frame_of_its_own_clip() -> None:
    batch = batch_of_events([(0, 0, 0.999, 1.0), (1, 1, 1.999, 2.0)], [1.0, 2.0])
    frames = active_frames(batch, torch.tensor([10, 20]), 20)
    assert frames.nonzero().tolist() == [[0, 9, 0], [1, 19, 1]]


def test_steps_are_active_by_the_share_of_their_frames() -> None:
    activity = torch.tensor([1.0, 1, 0, 1, 0])[None, :, None]
    assert active_steps(activity, 2, 3)[0, :, 0].tolist() == [1.0, 0.5, 0.0]


def test_rare_classes_are_weighted_up() -> None:
    shares = torch.tensor([0.5, 0.25, 0.25, 0.0])
    torch.testing.assert_close(class_weights(shares, 0.0), torch.ones(4))
    equal = class_weights(shares, 1.0)
    torch.testing.assert_close(equal[:3] * shares[:3], torch.full((3,), 1 / 3))
    assert equal[3] == 1


def heard(batch: int, frames: int) -> Heard:
    torch.manual_seed(3)
    return Heard(
        torch.eye(3)[torch.arange(batch) % 3],
        (torch.rand(batch, frames, 3) > 0.5).float(),
        torch.ones(batch, dtype=torch.bool),
    )


def test_an_excerpt_is_a_part_of_frames_and_activity_in_which_something_sounds() -> None:
    """Of 40 frames only 20 and 21 sound: without known times, all excerpts hear one of them."""
    config = ClipAugmentConfig(excerpt_seconds=10 * 0.02)
    augment = ClipAugment(config, FEATURES, True).train()
    count = 200
    frames = torch.arange(40.0).expand(count, 16, 40).transpose(1, 2) / 100 - 80
    frames[:, 20:22] += 60
    activity = frames[..., :3].clone()
    target = heard(count, 40)._replace(activity=activity, timed=torch.arange(count) % 2 == 0)
    parts, lengths, now = augment(frames, torch.full((count,), 40), target)
    assert parts.shape == (count, 10, 16)
    assert (lengths == 10).all()
    torch.testing.assert_close(parts[..., :3], now.activity)
    sounding = (parts > -30).any(2).any(1)
    assert sounding[1::2].all()
    assert 0.1 < sounding[::2].float().mean() < 0.7  # 11 of 31 places
    starts = (parts[1::2, 0, 0] + 80) * 100 % 6000
    assert {round(float(n)) for n in starts} >= set(range(11, 22))


@pytest.mark.parametrize(("range_db", "softer"), [(20.0, True), (6.0, False)])
def test_excerpts_hear_what_is_within_a_range_of_the_loudest(range_db: float, softer: bool) -> None:
    """Frame 30 is the loudest, frame 5 is 10 dB softer; no excerpt hears both."""
    config = ClipAugmentConfig(excerpt_seconds=10 * 0.02, excerpt_range_db=range_db)
    frames = torch.full((200, 40, 16), -80.0)
    frames[:, 30], frames[:, 5] = 0.0, -10.0  # dB
    parts, _, _ = ClipAugment(config, FEATURES, True).train()(
        frames, torch.full((200,), 40), heard(200, 40)._replace(timed=torch.zeros(200).bool())
    )
    loudest = parts.amax((1, 2))
    assert bool((loudest > -5).all()) == (not softer)
    assert (loudest > -80).all()


def test_a_clip_shorter_than_an_excerpt_stays_whole() -> None:
    augment = ClipAugment(ClipAugmentConfig(excerpt_seconds=0.2), FEATURES, False).train()
    frames, sizes = torch.randn(3, 25, 16), [25, 8, 1]
    for row, n in enumerate(sizes):
        frames[row, n:] = 0
    parts, lengths, _ = augment(frames, torch.tensor(sizes), heard(3, 25))
    assert lengths.tolist() == [10, 8, 1]
    torch.testing.assert_close(parts[1:], frames[1:, :10])
    few, same, _ = augment(frames[1:, :8], torch.tensor([8, 1]), heard(2, 8))
    assert few.shape[1] == 8
    assert same.tolist() == [8, 1]


def test_a_shift_moves_frames_and_activity_together() -> None:
    augment = ClipAugment(ClipAugmentConfig(shift_probability=1.0), FEATURES, True).train()
    activity = torch.zeros(4, 12, 3)
    activity[:, 2:5] = 1
    lengths = torch.tensor([12, 12, 7, 1])
    frames = activity.repeat(1, 1, 6)[..., :16] + 5
    target = heard(4, 12)._replace(activity=activity)
    moved, _, now = augment(frames, lengths, target)
    torch.testing.assert_close(moved, now.activity.repeat(1, 1, 6)[..., :16] + 5)
    assert not torch.equal(now.activity, activity)
    for row, n in enumerate(lengths.tolist()):
        torch.testing.assert_close(now.activity[row, n:], activity[row, n:])
        assert now.activity[row].sum() == activity[row].sum()


@pytest.mark.parametrize("several", [True, False])
def test_a_mixture_adds_powers_and_says_what_is_in_it(several: bool) -> None:
    augment = ClipAugment(ClipAugmentConfig(mix_probability=1.0), FEATURES, several).train()
    torch.manual_seed(1)
    frames, lengths = torch.randn(6, 9, 16) * 3, torch.tensor([9, 9, 9, 9, 9, 9])
    before = heard(6, 9)
    mixed, _, now = augment(frames, lengths, before)
    if several:
        assert (now.tags >= before.tags).all()
        assert (now.activity >= before.activity).all()
    else:
        torch.testing.assert_close(now.tags.sum(1), torch.ones(6))
    natural = math.log(10) / 10
    power, mixture = (frames * natural).exp(), (mixed * natural).exp()
    for row in range(6):  # the mixture is (1 - s) of its own power and s of another clip's
        fits = [_least_error(mixture[row], power[row], power[other]) for other in range(6)]
        assert min(fits) < 1e-3


def _least_error(mixture: Tensor, own: Tensor, other: Tensor) -> float:
    both = torch.stack([own.flatten(), other.flatten()], 1).double()
    shares = torch.linalg.lstsq(both, mixture.flatten().double()[:, None]).solution
    return float((both @ shares - mixture.flatten()[:, None]).abs().max() / mixture.max())


def test_a_quiet_clip_is_heard_in_a_mixture_as_its_share_says() -> None:
    """Two clips in bands of their own, one 30 dB quieter: equal amplitudes at a share of a half."""
    frames = torch.full((2, 9, 16), -100.0)
    frames[0, :, 3], frames[1, :, 12] = 0.0, -30.0
    tags = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    augment = ClipAugment(ClipAugmentConfig(mix_probability=1.0), FEATURES, False).train()
    found = 0
    for seed in range(10):
        torch.manual_seed(seed)
        mixed, _, now = augment(frames, torch.tensor([9, 9]), heard(2, 9)._replace(tags=tags))
        share = float(now.tags[1, 0])
        if share > 0:  # the clip was not mixed with itself
            found += 1
            level = float(mixed[1, 0, 3] - mixed[1, 0, 12])
            assert level == pytest.approx(20 * math.log10(share / (1 - share)), abs=0.01)
    assert found


def test_a_mixture_is_as_long_as_its_longer_part() -> None:
    augment = ClipAugment(ClipAugmentConfig(mix_probability=1.0), FEATURES, True).train()
    torch.manual_seed(5)
    frames = torch.randn(2, 10, 16)
    frames[1, 4:] = 0
    mixed, lengths, _ = augment(frames, torch.tensor([10, 4]), heard(2, 10))
    assert set(lengths.tolist()) <= {10, 4}
    assert lengths[0] == 10
    assert mixed.isfinite().all()
    for row, n in enumerate(lengths.tolist()):
        assert not mixed[row, n:].any()


def test_nothing_is_changed_outside_training() -> None:
    config = ClipAugmentConfig(1.0, 1.0)
    augment = ClipAugment(config, FEATURES, True).eval()
    frames, target = torch.randn(2, 5, 16), heard(2, 5)
    same, _, now = augment(frames, torch.tensor([5, 5]), target)
    assert same is frames
    assert now is target


def test_training_with_every_change_stays_finite_and_repeats_itself() -> None:
    task = make_task(clips=ClipAugmentConfig(1.0, 0.8, excerpt_seconds=0.5), balance=0.5)
    changes = FrameAugmentConfig(0.5, frequency_masks=1, stretch_probability=0.5)
    task.frames.config = changes
    task.model.train()
    results = []
    for _ in range(2):
        torch.manual_seed(9)
        results.append(task.losses(tones(0, True))["events"])
    assert results[0].isfinite().all()
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
