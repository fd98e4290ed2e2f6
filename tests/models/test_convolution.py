"""Batch norm over what is no padding: gathered rows on the CPU, masks on a GPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audio_rnn.features import valid_frames
from audio_rnn.models.convolution import Block, masked_norm

LENGTHS = torch.tensor([9, 4, 6])


@pytest.mark.parametrize("lengths", [LENGTHS, torch.full((3,), 9)])
def test_masks_equal_gathered_rows(lengths):
    torch.manual_seed(0)
    blocks = [Block(2, 5, 2, 2, 0.0).double() for _ in range(2)]
    blocks[0].load_state_dict(blocks[1].state_dict())
    mask = valid_frames(lengths, 9)[:, None, :, None].double()
    x = torch.randn(3, 5, 9, 4, dtype=torch.float64)
    inputs = [x.clone().requires_grad_() for _ in blocks]
    for block in blocks:
        nn.init.normal_(block.norm.weight, generator=torch.Generator().manual_seed(1))
    gathered = blocks[0]._normalized(inputs[0], lengths) * mask
    masked = masked_norm(blocks[1].norm, inputs[1], mask)
    torch.testing.assert_close(masked, gathered)
    for y in (gathered, masked):
        (
            y * torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).double()
        ).sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    for (name, one), (_, other) in zip(
        blocks[0].norm.state_dict().items(), blocks[1].norm.state_dict().items()
    ):
        torch.testing.assert_close(other, one, msg=name)
    torch.testing.assert_close(blocks[1].norm.weight.grad, blocks[0].norm.weight.grad)
