"""A model of piano rolls that goes on learning from each piece while the piece is scored.

Dynamic evaluation (Krause et al. 2018): what was told of some frames is settled before the weights take
a step towards them, so that every frame is told from the training set and its own past only.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from audio_rnn.data.rolls import RollBatch
from audio_rnn.models.rolls import RollModel

SEGMENT = 16  # frames between two steps: a bar of sixteenths


def score_adapting(model: RollModel, piece: RollBatch, rate: float) -> dict[str, Tensor]:
    """Natural log-probability (1, frames) of each frame by each head, in float64.

    Args:
        model: is not changed; every piece begins with its weights.
        piece: a batch of one piece.
        rate: of the steps of plain gradient descent on the nats per frame of all heads.
    """
    own, state = copy.deepcopy(model), None
    weights: list[Tensor] = list(own.parameters())
    told: dict[str, list[Tensor]] = {name: [] for name in own.heads}
    for part in piece.pieces(SEGMENT):
        with torch.backends.cudnn.flags(enabled=False):  # it differentiates only in training mode
            nats, state = own.log_likelihood(part, state)
        for name, of_frames in nats.items():
            told[name].append(of_frames.detach().double())
        loss = -torch.stack(list(nats.values())).sum() / part.frames.shape[1]
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            torch._foreach_add_(weights, gradients, alpha=-rate)
        state = [tuple(of_layer.detach() for of_layer in layer) for layer in state]
    return {name: torch.cat(parts, dim=1) for name, parts in told.items()}
