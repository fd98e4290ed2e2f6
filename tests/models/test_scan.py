"""The linear recurrence: in order, in chunks and its gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audio_rnn.models import scan as module
from audio_rnn.models.scan import in_chunks, in_order, scan


def parts(frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Decay, given and first of three sequences of five values."""
    random = torch.Generator().manual_seed(frames)
    decay = torch.rand(3, frames, 5, generator=random, dtype=torch.float64)
    given = torch.randn(3, frames, 5, generator=random, dtype=torch.float64)
    return decay, given, torch.randn(3, 5, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("frames", [1, 2, 3, 16, 17, 50])
def test_chunks_equal_the_loop(frames):
    torch.testing.assert_close(in_chunks(*parts(frames)), in_order(*parts(frames)))


@pytest.mark.parametrize("way", [in_order, in_chunks])
def test_gradient_against_finite_differences(way, monkeypatch):
    monkeypatch.setattr(module, "recurrence", way)
    assert torch.autograd.gradcheck(scan, [part.requires_grad_() for part in parts(7)])


def test_decays_of_zero_and_one():
    decay, given, first = parts(20)
    for way in (in_order, in_chunks):
        kept = way(torch.ones_like(decay), given, first)
        torch.testing.assert_close(kept, first.unsqueeze(1) + given.cumsum(1))
        assert torch.equal(way(torch.zeros_like(decay), given, first), given)
