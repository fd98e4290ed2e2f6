"""How far back a recurrent network learns from: what vanishes or explodes on the way, in numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from audio_rnn.models.recurrent import RecurrentStack


def gradient_reach(stack: RecurrentStack, x: Tensor, seed: int = 0) -> Tensor:
    """How much the last output hangs on the input n frames before it: (frames,), n from 0.

    The length of the gradient of a random direction of the last frame's output, mean over the batch
    (Bengio et al. 1994, "Learning long-term dependencies with gradient descent is difficult"). Where
    it falls by the same factor from frame to frame, it vanishes; where it grows, it explodes.

    Args:
        stack: its dropout acts only if it is in training mode.
        x: (batch, frames, inputs), without padding.
        seed: of the direction.
    """
    inputs = x.detach().requires_grad_()
    lengths = torch.full((len(x),), x.shape[1], device=x.device)
    # cuDNN differentiates only in training mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        y, _ = stack(inputs, lengths)
        direction = torch.randn(y.shape[2], generator=torch.Generator().manual_seed(seed)).to(y)
        (gradient,) = torch.autograd.grad((y[:, -1] @ (direction / direction.norm())).sum(), inputs)
    return gradient.norm(dim=2).mean(dim=0).flip(0)
