"""Networks of taggers: exact under padding, piece by piece, and pooling by its definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from audio_rnn.errors import ConfigError
from audio_rnn.features.stages import run
from audio_rnn.models.convolution import Convolution, ConvolutionConfig
from audio_rnn.models.pooling import Pooling, gather, merge, pooled
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.stream import causal_stream
from audio_rnn.models.sweep import sweep
from audio_rnn.models.tagger import TaggerConfig, TaggerModel
from audio_rnn.models.texture import TextureConfig

POOLINGS: tuple[Pooling, ...] = ("max", "mean", "linear_softmax", "attention")
FRONTS = {
    "none": ConvolutionConfig((), (), ()),
    "one": ConvolutionConfig((4,), (3,), (2,)),
    "odd": ConvolutionConfig((4, 6, 5), (2, 1, 3), (2, 3, 1)),
}


def make(
    front: str = "odd",
    pooling: Pooling = "attention",
    both: bool = True,
    orders: int = 2,
    texture: float = 0.0,
) -> TaggerModel:
    torch.manual_seed(0)
    recurrent = RecurrentConfig(cell="gru", hidden=7, layers=2, bidirectional=both)
    config = TaggerConfig(FRONTS[front], recurrent, pooling, texture=TextureConfig(texture))
    model = TaggerModel(config, 9, orders, 5, several=True)
    with torch.no_grad():  # statistics of batch norm as after training
        model.train()
        for _ in range(3):
            model(torch.randn(2, 40, 9 * orders) * 2 + 1, torch.tensor([40, 31]))
    return model.eval()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("texture", [0.0, 0.5])
def test_a_clip_alone_scores_as_in_any_batch(front: str, pooling: Pooling, texture: float) -> None:
    model = make(front, pooling, texture=texture)
    frames, lengths = torch.randn(4, 50, 18), torch.tensor([50, 1, 23, 38])
    with torch.no_grad():
        together = model(frames, lengths)
        for i, n in enumerate(lengths.tolist()):
            alone = model(frames[i : i + 1, :n], lengths[i : i + 1])
            count = int(alone.lengths)
            torch.testing.assert_close(together.clips[i], alone.clips[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.steps[i, :count], alone.steps[0], atol=1e-5, rtol=0)
            assert int(together.lengths[i]) == count == -(-n // model.front.stride)
            assert not together.steps[i, count:].any()


def test_padding_does_not_enter_batch_norm_in_training() -> None:
    """Statistics and gradients of a padded batch are those of its valid frames."""
    torch.manual_seed(1)
    frames, lengths = torch.randn(3, 24, 9), torch.tensor([24, 12, 6])
    results = []
    for padding in (0, 12):
        torch.manual_seed(2)
        front = Convolution(replace(FRONTS["odd"], dropout=0.0), 9, 1).train()
        padded = torch.nn.functional.pad(frames, (0, 0, 0, padding), value=100.0)
        front(padded, lengths)[:, :4].square().sum().backward()
        grads = [p.grad.clone() for p in front.parameters() if p.grad is not None]
        results.append([*grads, *(b.clone() for b in front.buffers())])
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)


def cuts(frames: Tensor, size: int) -> list[Tensor]:
    return list(frames.split(size))


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("size", [1, 4, 13, 200])
def test_a_causal_model_gives_the_same_piece_by_piece(front: str, size: int) -> None:
    model, frames = make(front, both=False), torch.randn(101, 18)
    with torch.no_grad():
        whole = model.all_rows(frames[None], torch.tensor([101]))[0]
        joined = torch.cat([*run(causal_stream(model), cuts(frames, size), frames[:0])])
    torch.testing.assert_close(joined, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("front", FRONTS)
def test_a_sweep_over_both_directions_gives_the_whole(front: str) -> None:
    model, frames = make(front), torch.randn(97, 18)
    with torch.no_grad():
        whole = model.all_rows(frames[None], torch.tensor([97]))[0]
    swept = torch.cat(list(sweep(model, cuts(frames, 10))))
    torch.testing.assert_close(swept, whole, atol=1e-5, rtol=0)


def test_the_delay_is_what_a_stream_waits_for() -> None:
    model = make(both=False)
    stage, frames = causal_stream(model), torch.randn(60, 18)
    given = 0
    with torch.no_grad():
        for n in range(60):
            given += len(stage(frames[n : n + 1], False))
            ready = max(0, n + 1 - model.delay) // model.front.stride
            assert given == ready


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_is_what_it_says(pooling: Pooling) -> None:
    torch.manual_seed(0)
    scores, attention = torch.randn(2, 6, 3).double(), torch.randn(2, 6, 3).double()
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]).bool()
    found = pooled(pooling, gather(pooling, scores, attention, mask))
    for row in range(2):
        s, a = scores[row][mask[row]], attention[row][mask[row]]
        p = s.sigmoid()
        expected = {
            "max": lambda s=s: s.amax(0),
            "mean": lambda s=s: s.mean(0),
            "linear_softmax": lambda p=p: (p.square().sum(0) / p.sum(0)).logit(),
            "attention": lambda s=s, a=a: (a.softmax(0) * s).sum(0),
        }[pooling]()
        torch.testing.assert_close(found[row], expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pieces_pool_as_the_whole(pooling: Pooling) -> None:
    torch.manual_seed(0)
    scores, attention = torch.randn(1, 50, 3) * 3, torch.randn(1, 50, 3) * 10
    ones = torch.ones(1, 50).bool()
    whole = pooled(pooling, gather(pooling, scores, attention, ones))
    sums = None
    for part in (slice(0, 1), slice(1, 30), slice(30, 50)):
        new = gather(pooling, scores[:, part], attention[:, part], ones[:, part])
        sums = merge(pooling, sums, new) if sums else new
    assert sums is not None
    torch.testing.assert_close(pooled(pooling, sums), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_sure_scores_have_finite_gradients(pooling: Pooling) -> None:
    scores = torch.full((1, 4, 1), 60.0, requires_grad=True)
    sums = gather(pooling, scores, torch.zeros(1, 4, 1), torch.ones(1, 4).bool())
    pooled(pooling, sums).sum().backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


def test_a_front_with_settings_that_do_not_match_is_named() -> None:
    with pytest.raises(ConfigError, match="time_pooling: found \\(2, 2\\), expected 3 numbers"):
        ConvolutionConfig((8, 8, 8), (2, 2), (2, 2, 2))
