"""Symbols -> log-probabilities of the next symbol: a model of text, or of music as symbols."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout1d

from audio_rnn.config import from_dict, require, to_dict
from audio_rnn.data.sequences import BOUNDARY, SequenceBatch, collate
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError, ModelError, VocabularyError
from audio_rnn.features import valid_frames
from audio_rnn.models.folder import load_weights, read_model
from audio_rnn.models.recurrent import Cell, RecurrentConfig, RecurrentStack, State
from audio_rnn.vocabulary import Vocabulary

KIND = "sequence"
TOGETHER = 64  # texts that `score` lays side by side
PIECE = 512  # steps that are scored at once: bounds the memory that a long text takes


@dataclass(frozen=True)
class SequenceConfig:
    """An embedding, recurrent layers of one direction, a linear output."""

    embedding: int = 128  # values that stand for a symbol
    cell: Cell = "lstm"
    hidden: int = 256  # units of a layer
    layers: int = 1
    dropout: float = 0.2  # of embeddings, between layers and before the output
    variational: bool = True  # drop the same values at every step of a sequence
    tied: bool = True  # the output's weights are the embedding's

    def __post_init__(self) -> None:
        for name in ("embedding", "hidden", "layers"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 <= dropout < 1")

    @property
    def recurrent(self) -> RecurrentConfig:
        """The layers, whose dropout is the model's."""
        return RecurrentConfig(
            self.cell, self.hidden, self.layers, bidirectional=False, dropout=self.dropout
        )


class SequenceModel(nn.Module):
    """Reads symbols and tells after each one what may come next.

    A model with hints reads with each symbol what else is known then, as ids that each have values
    which are added to the symbol's.

    The output may be tied to the embedding (Press & Wolf 2017; Inan et al. 2017), through a linear
    map where their sizes differ. Weights that suit the output are small; scaled up they are the
    values of variance 1 that the layers are initialised for (Vaswani et al. 2017).
    """

    def __init__(self, config: SequenceConfig, vocabulary: Vocabulary, hints: int = 0) -> None:
        """hints: how many ids of hints there are."""
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.hints = nn.EmbeddingBag(hints, config.embedding, mode="sum") if hints else None
        self.embedding = nn.Embedding(len(vocabulary), config.embedding)
        self.dropout = make_dropout(config)
        self.recurrent = RecurrentStack(config.recurrent, config.embedding)
        self.recurrent.dropout = self.dropout
        width = config.embedding if config.tied else config.hidden
        self.bridge = nn.Identity() if width == config.hidden else nn.Linear(config.hidden, width)
        self.output = nn.Linear(width, len(vocabulary))
        self.scale = config.embedding**0.5
        nn.init.normal_(self.embedding.weight, std=1 / self.scale)
        if self.hints is not None:
            nn.init.normal_(self.hints.weight, std=0.25)
        if config.tied:
            self.output.weight = self.embedding.weight

    def forward(
        self, symbols: Tensor, lengths: Tensor, state: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """Log-probabilities of the symbol after each one that is read.

        Args:
            symbols: (batch, steps), a sequence beginning with the boundary; (batch, steps,
                1 + columns) with hints behind each.
            lengths: (batch,) steps that are no padding.
            state: what an earlier call returned, to go on where it stopped.

        Returns:
            log_probs (batch, steps, symbols), and the state after the last step.
        """
        x = self.dropout(self._embed(symbols))
        x, state = self.recurrent(x, lengths, state)
        x = self.bridge(self.dropout(x))
        return self.output(x).float().log_softmax(dim=-1), state

    def _embed(self, symbols: Tensor) -> Tensor:
        if self.hints is None:
            return self.embedding(symbols) * self.scale
        x, hints = self.embedding(symbols[..., 0]) * self.scale, symbols[..., 1:]
        return x + self.hints(hints.flatten(0, -2)).view_as(x)

    def log_likelihood(
        self, symbols: Tensor, targets: Tensor, lengths: Tensor, state: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """Natural log-probability (batch,) of `targets` (batch, steps), summed in float64.

        The rest is as in `forward`.
        """
        log_probs, state = self(symbols, lengths, state)
        told = log_probs.gather(2, targets.unsqueeze(2)).squeeze(2)
        valid = valid_frames(sent(lengths, targets.device), targets.shape[1])
        return told.masked_fill(~valid, 0).sum(dim=1, dtype=torch.float64), state

    @torch.no_grad()
    def score_batch(self, batch: SequenceBatch) -> Tensor:
        """Natural log-probability (batch,) of each sequence, its end included, in float64."""
        total = torch.zeros(len(batch.ids), dtype=torch.float64, device=batch.inputs.device)
        state = None
        for piece in batch.pieces(PIECE):
            part, state = self.log_likelihood(piece.inputs, piece.targets, piece.lengths, state)
            total += part
        return total

    def score(self, texts: list[list[int]]) -> Tensor:
        """Natural log-probability (texts,) of each text, its end included, in float64.

        Raises: InputError for a text that holds the boundary.
        """
        device = self.embedding.weight.device
        named = [(f"text {n}", ids) for n, ids in enumerate(texts)]
        groups = (dict(named[n : n + TOGETHER]) for n in range(0, len(named), TOGETHER))
        scores = [self.score_batch(collate(group).to(device)) for group in groups]
        return torch.cat([torch.zeros(0, dtype=torch.float64, device=device), *scores])

    def start(self, batch: int) -> tuple[Tensor, list[State]]:
        """Log-probabilities (batch, symbols) of a first symbol, and the state after the boundary."""
        device = self.embedding.weight.device
        return self.step(torch.full((batch,), BOUNDARY, device=device), None)

    @torch.no_grad()
    def step(self, symbols: Tensor, state: list[State] | None) -> tuple[Tensor, list[State]]:
        """Read one more symbol of each sequence.

        Args:
            symbols: (batch,).
            state: what the step before returned, a tuple for each layer of tensors
                (1, batch, hidden), which may be indexed along the batch; None reads from zeros.

        Returns:
            log_probs (batch, symbols) of what comes next, the boundary being the end, and the state.
        """
        log_probs, state = self(symbols.unsqueeze(1), torch.ones_like(symbols), state)
        return log_probs.squeeze(1), state

    def describe(self) -> dict[str, Any]:
        """All that is needed to build this model again, as JSON values."""
        vocabulary = {"unit": self.vocabulary.unit, "symbols": list(self.vocabulary.symbols)}
        hints = 0 if self.hints is None else self.hints.num_embeddings
        config = to_dict(self.config)
        return {"kind": KIND, "config": config, "vocabulary": vocabulary, "hints": hints}

    @classmethod
    def load(cls, folder: str | Path) -> SequenceModel:
        """The model in a run folder or model folder, ready for use. Raises ModelError."""
        folder = Path(folder)
        saved = read_model(folder, KIND)
        try:
            vocabulary = saved.description["vocabulary"]
            config = from_dict(SequenceConfig, saved.description["config"])
            symbols = Vocabulary(tuple(vocabulary["symbols"]), vocabulary["unit"])
            model = cls(config, symbols, saved.description.get("hints", 0))
        except (ConfigError, VocabularyError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder}: broken description: {error}; copy the whole folder again"
            ) from error
        load_weights(model, saved.weights, folder)
        return model.eval()


class SequenceDropout(nn.Dropout):
    """Drops the same values at every step (Gal & Ghahramani 2016), drawn anew at each call.

    Each sequence of a batch has its own; each piece of truncated backpropagation has, too.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, width) -> the same shape."""
        return dropout1d(x.transpose(1, 2), self.p, self.training).transpose(1, 2)


def make_dropout(config: SequenceConfig) -> nn.Dropout:
    """Variational or, as Zaremba et al. (2014), of every value by itself."""
    return (SequenceDropout if config.variational else nn.Dropout)(config.dropout)
