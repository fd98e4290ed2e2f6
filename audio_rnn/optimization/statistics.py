"""What training changes beside the weights: statistics, such as those of a batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Statistics:
    """The buffers of a model that are part of its state, with what they were before a batch.

    Training writes them in place. Others, such as filters and windows, it leaves as they are: a
    change to what no checkpoint holds would be lost where it goes on.
    """

    def __init__(self, model: nn.Module) -> None:
        state = model.state_dict()
        buffers = [buffer for name, buffer in model.named_buffers() if name in state]
        self.buffers = [(buffer, buffer.clone()) for buffer in buffers]

    def remember(self) -> None:
        """Before a batch."""
        for buffer, before in self.buffers:
            before.copy_(buffer)

    def keep_if(self, finite: Tensor) -> None:
        """After a batch: where its losses are not `finite` (), they are again what they were.

        One that has seen what is not finite would stay so.
        """
        for buffer, before in self.buffers:
            buffer.copy_(torch.where(finite, buffer, before))
