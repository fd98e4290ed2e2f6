"""Next symbol: training and scoring of a model of sequences, as of text or of music."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from torch import Tensor, tensor

from audio_rnn.data.sequences import SequenceBatch
from audio_rnn.device import sent
from audio_rnn.models.sequence import SequenceModel


class NextSymbol:
    """The engine's view of a model that tells the next symbol.

    With truncated backpropagation through time (Williams & Peng 1990), each piece of a batch goes
    on from the state that the one before it left, through which no gradient flows.
    """

    monitor = "perplexity"
    better: Literal["lower", "higher"] = "lower"

    def __init__(self, model: SequenceModel) -> None:
        self.model = model

    def losses(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Cross entropy of each sequence, nats per symbol; 0 for one that ended before."""
        before = batch.carry.state if batch.carry else None
        log_likelihoods, state = self.model.log_likelihood(
            batch.inputs, batch.targets, batch.lengths, before
        )
        if batch.carry:
            batch.carry.state = [tuple(part.detach() for part in layer) for layer in state]
        return {"nats": -log_likelihoods / sent(batch.lengths, log_likelihoods.device).clamp(min=1)}

    def evaluate(self, batches: Iterable[SequenceBatch]) -> dict[str, float]:
        """Nats per symbol, ends counted, and its exponential, the perplexity."""
        nats, symbols = 0.0, 0
        for batch in batches:
            nats -= float(self.model.score_batch(batch).sum())
            symbols += int(batch.lengths.sum())
        loss = nats / symbols
        return {"loss": loss, "perplexity": float(tensor(loss).exp())}

    def describe(self) -> dict[str, Any]:
        """What the model folder holds besides weights."""
        return self.model.describe()
