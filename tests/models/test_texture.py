"""Averages over clips: by their definition, in any pieces and batches, at any level once learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.features.stages import run
from audio_rnn.models.texture import FARTHEST, MOMENTUM, STEADY, Texture, TextureConfig, mixed

BANDS, STRIDE = 6, 3


def make(bands: int = BANDS, stride: int = STRIDE) -> Texture:
    torch.manual_seed(0)
    return Texture(TextureConfig(share=0.3, hidden=7), bands, 4, stride).eval()


def clip(frames: int = 23, bands: int = BANDS) -> Tensor:
    return torch.randn(frames, bands, generator=torch.Generator().manual_seed(frames)) * 3 + 1


def described(x: np.ndarray) -> np.ndarray:
    """Mean, deviation, changes over 1 and 4 frames and over 1 and 4 bands, as they are defined."""
    frames, bands = x.shape
    parts = [x.mean(0), x.std(0).clip(STEADY)]
    for n in (1, 4):
        parts.append(np.mean([np.abs(x[t] - x[max(t - n, 0)]) for t in range(frames)], 0))
    for n in (1, 4):
        parts.append(np.array([np.abs(x[:, b] - x[:, b - n]).mean() for b in range(n, bands)]))
    return np.concatenate(parts)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 23])
@pytest.mark.parametrize("bands", [1, 3, 6])
def test_it_reads_what_it_says(frames: int, bands: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texture, x = make(bands), clip(frames, bands)
    seen: list[Tensor] = []
    monkeypatch.setattr(texture, "_standardised", lambda x: seen.append(x) or x)
    texture(x[None], torch.tensor([frames]))
    np.testing.assert_allclose(seen[0][0], described(x.numpy().astype(float)), atol=1e-5)


def test_orders_of_derivatives_behind_the_levels_do_not_count() -> None:
    texture, x = make(), clip()[None]
    length = torch.tensor([x.shape[1]])
    more = torch.cat([x, torch.randn_like(x)], -1)
    assert torch.equal(texture(x, length), texture(more, length))


def test_padding_changes_nothing() -> None:
    texture, lengths = make(), torch.tensor([23, 1, 7, 12])
    clips = [clip(int(n)) for n in lengths]
    padded = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True, padding_value=99.0)
    together = texture(padded, lengths)
    for x, found in zip(clips, together):
        torch.testing.assert_close(texture(x[None], torch.tensor([len(x)]))[0], found)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("stride", [1, 3, 8])
def test_pieces_sum_up_to_the_whole(size: int, stride: int) -> None:
    texture, x = make(stride=stride), clip()
    whole = texture.sums(x[None], torch.tensor([len(x)]))[0]
    pieces = torch.cat([*run(texture.stage(), x.split(size), x[:0])])
    assert whole.shape == (-(-len(x) // stride), texture.width)
    torch.testing.assert_close(pieces, whole)


def test_it_is_standardised_by_what_training_met() -> None:
    texture = make().train()
    batches = [torch.stack([clip(20 + n + m)[:20] for m in range(8)]) for n in range(200)]
    for batch in batches:
        texture(batch, torch.full((8,), 20))
    met = torch.stack(
        [torch.tensor(described(x.numpy())) for b in batches[-100:] for x in b]
    ).float()
    torch.testing.assert_close(texture.mean, met.mean(0), atol=0.15, rtol=0.05)
    torch.testing.assert_close(texture.variance, met.var(0), atol=0.15, rtol=0.4)
    before = texture.mean.clone()
    texture.eval()(batches[0], torch.full((8,), 20))
    assert torch.equal(texture.mean, before)


def test_a_batch_of_one_clip_is_enough() -> None:
    texture, x = make().train(), clip()[None]
    scores = texture(x, torch.tensor([23]))
    scores.sum().backward()
    assert scores.isfinite().all()
    expected = MOMENTUM * torch.tensor(described(x[0].numpy()))
    torch.testing.assert_close(texture.mean, expected.float())


def test_silence_is_no_farther_than_what_training_met() -> None:
    texture = make()
    texture.variance.fill_(1e-9)
    seen: list[Tensor] = []
    texture.layers.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    texture(torch.full((1, 9, BANDS), -80.0), torch.tensor([9]))
    assert seen[0].abs().max() == FARTHEST


@pytest.mark.parametrize("several", [True, False])
def test_the_mixture_is_a_mean_of_log_probabilities(several: bool) -> None:
    torch.manual_seed(0)
    scores, others = torch.randn(2, 5, 4).double() * 3
    found = mixed(scores, others, 0.3, several)
    if several:
        told = 0.9 * others.sigmoid() + 0.05
        torch.testing.assert_close(found, 0.7 * scores + 0.3 * told.logit())
        return
    told = 0.9 * others.softmax(-1) + 0.1 / 4
    product = scores.softmax(-1) ** 0.7 * told**0.3
    torch.testing.assert_close(found.softmax(-1), product / product.sum(-1, keepdim=True))


@pytest.mark.parametrize("several", [True, False])
def test_a_texture_that_is_sure_says_no_more_than_one_that_may_be_wrong(several: bool) -> None:
    """Each odds of the network change by no more than 0.3 times those of 0.925 to 0.025, or 0.95 to 0.05."""
    scores, sure = torch.zeros(1, 4), torch.tensor([[1e4, -1e4, -1e4, -1e4]])
    found = mixed(scores, sure, 0.3, several)[0]
    most = 0.3 * math.log(0.95 / 0.05 if several else 0.925 / 0.025)
    assert found[0].item() - (0.0 if several else found[1].item()) == pytest.approx(most)
    assert mixed(sure, -sure, 0.3, several).isfinite().all()
