"""Acoustic models on pieces of a sequence, and the lookahead that gives one direction a future."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.config import from_dict, to_dict
from audio_rnn.errors import ConfigError
from audio_rnn.features.stages import Stage
from audio_rnn.models.acoustic import AcousticConfig, AcousticModel, Lookahead
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.stream import Chunked, causal_stream, chunked_stream

FRAMES = torch.randn(200, 5, generator=torch.manual_seed(2))
LAYERS = (
    {"cell": "lstm"},
    {"cell": "gru", "projection": 8, "layer_norm": True, "residual": True},
)
every_front = pytest.mark.parametrize("front", ["stack", "convolution"])


def make(bidirectional: bool = False, layers: dict[str, object] = LAYERS[0], **options: object):
    torch.manual_seed(0)
    network = RecurrentConfig(
        **{"hidden": 8, "layers": 2, "bidirectional": bidirectional, **layers}
    )
    model = AcousticModel(AcousticConfig(channels=7, recurrent=network, **options), 5, 6).eval()
    if model.config.lookahead:
        torch.nn.init.normal_(model.lookahead.conv.weight)
    return model


def whole(model: AcousticModel, frames: Tensor = FRAMES) -> Tensor:
    with torch.no_grad():
        return model(frames[None], torch.tensor([len(frames)]))[0][0]


def through(stage: Stage, pieces: list[Tensor]) -> Tensor:
    with torch.no_grad():
        return torch.cat([*(stage(piece, False) for piece in pieces), stage(FRAMES[:0], True)])


def cuts(seed: int) -> list[Tensor]:
    places = np.random.default_rng(seed).integers(0, len(FRAMES) + 1, 12 * seed)
    return list(FRAMES.tensor_split(np.sort(places).tolist()))


@every_front
@pytest.mark.parametrize("stride", [1, 3, 4])
@pytest.mark.parametrize("lookahead", [0, 5])
@pytest.mark.parametrize("layers", LAYERS)
def test_one_direction_gives_the_whole_however_it_is_cut(front, stride, lookahead, layers):
    model = make(layers=layers, front=front, stride=stride, lookahead=lookahead)
    expected = whole(model)
    for pieces in (cuts(0), cuts(1), cuts(5), list(FRAMES.split(1))):
        joined = through(causal_stream(model), pieces)
        torch.testing.assert_close(joined, expected, atol=1e-5, rtol=0)


@every_front
@pytest.mark.parametrize("lookahead", [0, 3])
def test_a_step_comes_with_the_last_frame_that_it_depends_on(front, lookahead):
    model = make(front=front, lookahead=lookahead)
    stage, came = causal_stream(model), []
    for i, frame in enumerate(FRAMES.split(1), 1):
        came += [i] * len(stage(frame, False))
    assert came == [(step + 1) * 3 + model.delay for step in range(len(came))]
    changed, expected = FRAMES.clone(), whole(model)
    changed[came[20] :] += 1
    torch.testing.assert_close(whole(model, changed)[:21], expected[:21], atol=1e-6, rtol=0)
    changed[came[20] - 1] += torch.tensor([-20.0, 20, -20, 20, 20])
    assert (whole(model, changed)[20] - expected[20]).abs().max() > 1e-4


@every_front
def test_two_directions_with_all_the_future_give_the_whole(front):
    model = make(bidirectional=True, front=front)
    joined = through(chunked_stream(model, chunk=4, right=100), cuts(3))
    torch.testing.assert_close(joined, whole(model), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("chunk", "right"), [(1, 0), (4, 0), (5, 3), (3, 9), (1000, 0)])
def test_two_directions_depend_on_the_chunks_and_not_on_the_pieces(chunk, right):
    """Also the last chunk, whose future is cut short."""
    model = make(bidirectional=True)
    expected = through(chunked_stream(model, chunk, right), [FRAMES])
    assert len(expected) == len(whole(model))
    for pieces in (cuts(1), cuts(5), list(FRAMES.split(1))):
        joined = through(chunked_stream(model, chunk, right), pieces)
        torch.testing.assert_close(joined, expected, atol=1e-5, rtol=0)
    differs = (expected - whole(model)).abs().max() > 1e-3
    assert bool(differs) == (chunk < 1000)


def test_a_longer_future_brings_two_directions_closer_to_the_whole():
    model = make(bidirectional=True)
    errors = [
        float((through(chunked_stream(model, 5, right), [FRAMES]) - whole(model)).abs().mean())
        for right in (0, 2, 5, 10)
    ]
    assert errors == sorted(errors, reverse=True)


def test_what_is_held_does_not_grow():
    for model, stream in ((make(lookahead=4), causal_stream), (make(True), chunked_stream)):
        stage = stream(model, *((5, 7) if stream is chunked_stream else ()))
        sizes = []
        for frame in torch.randn(600, 5).split(1):
            with torch.no_grad():
                stage(frame, False)
            sizes.append(
                sum(len(s.held) for s in stage.stages if getattr(s, "held", None) is not None)
            )
        assert isinstance(stage.stages[1], Chunked) == (stream is chunked_stream)
        assert max(sizes[100:]) <= max(sizes[:100])


def test_the_lookahead_is_a_weighted_sum_of_the_next_steps():
    """Wang et al. 2016, equation 7."""
    module, x = Lookahead(3, 2), torch.randn(1, 6, 3)
    torch.nn.init.normal_(module.conv.weight)
    weight = module.conv.weight[:, 0]
    expected = [sum(weight[:, j] * x[0, t + j] for j in range(3) if t + j < 6) for t in range(6)]
    torch.testing.assert_close(module(x)[0], torch.stack(expected))


def test_the_lookahead_begins_as_the_identity():
    x = torch.randn(2, 7, 3)
    assert torch.equal(Lookahead(3, 4)(x), x)


@pytest.mark.parametrize("lookahead", [1, 4, 30])
def test_an_item_alone_equals_itself_in_a_batch(lookahead):
    model, lengths = make(lookahead=lookahead), torch.tensor([40, 9, 1, 22])
    batch = torch.randn(4, 60, 5)  # what lies beyond the lengths is not zero
    with torch.no_grad():
        together, steps = model(batch, lengths)
    for row, item, n, k in zip(together, batch, lengths.tolist(), steps.tolist(), strict=True):
        torch.testing.assert_close(row[:k], whole(model, item[:n]), atol=1e-5, rtol=0)


def test_a_lookahead_needs_one_direction():
    with pytest.raises(ConfigError, match=r"lookahead: found 5, expected .* bidirectional"):
        AcousticConfig(lookahead=5)
    with pytest.raises(ConfigError, match="lookahead: found -1"):
        AcousticConfig(lookahead=-1, recurrent=RecurrentConfig(bidirectional=False))


def test_a_model_saved_before_there_was_a_lookahead_is_still_read():
    values = to_dict(AcousticConfig())
    del values["lookahead"]
    assert from_dict(AcousticConfig, values).lookahead == 0
    assert not any("lookahead" in name for name in make().state_dict())
