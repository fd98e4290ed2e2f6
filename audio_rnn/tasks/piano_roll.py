"""Piano rolls: training and scoring of a model that tells each frame from those before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from torch import Tensor

from audio_rnn.data.rolls import RollBatch
from audio_rnn.device import sent
from audio_rnn.models.rolls import RollModel


class PianoRoll:
    """The engine's view of a model of piano rolls, all of whose heads learn at once.

    With truncated backpropagation through time, each part of a piece goes on from the state that
    the one before it left, through which no gradient flows.
    """

    monitor = "nats"
    better: Literal["lower", "higher"] = "lower"

    def __init__(self, model: RollModel) -> None:
        self.model = model

    def losses(self, batch: RollBatch) -> dict[str, Tensor]:
        """Nats per frame of each piece by each head; 0 for one that ended before."""
        before = batch.carry.state if batch.carry else None
        log_likelihoods, state = self.model.log_likelihood(batch, before)
        if batch.carry:
            batch.carry.state = [tuple(part.detach() for part in layer) for layer in state]
        frames = sent(batch.lengths, batch.frames.device).clamp(min=1)
        return {name: -told.sum(dim=1) / frames for name, told in log_likelihoods.items()}

    def evaluate(self, batches: Iterable[RollBatch]) -> dict[str, float]:
        """Nats per frame, over all frames of all pieces: of each head, and their mean as `nats`."""
        nats, frames = dict.fromkeys(self.model.heads, 0.0), 0
        for batch in batches:
            for name, told in self.model.score(batch).items():
                nats[name] -= float(told.sum())
            frames += int(batch.lengths.sum())
        scores = {name: total / frames for name, total in nats.items()}
        return {"nats": sum(scores.values()) / len(scores), **scores}

    def describe(self) -> dict[str, Any]:
        """What the model folder holds besides weights."""
        return self.model.describe()
