"""Padded batches of symbol sequences whose next symbols are to be told, whole or in pieces.

The boundary, which is the vocabulary's blank, stands before a sequence and after it: each of its n
symbols is told from those before it, then its end, in n + 1 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.config import require
from audio_rnn.data.batching import make_plan, padding_share
from audio_rnn.device import sent
from audio_rnn.errors import InputError
from audio_rnn.vocabulary import BLANK

BOUNDARY = BLANK  # nothing else in a sequence, and so free to stand for its begin and its end
# Of the symbols (steps,) that are read: ids (steps, columns) of what else a reader then knows
Hinting = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SequenceBatchConfig:
    """How sequences become batches."""

    symbols: int = 2000  # padded symbols a batch, over all processes

    def __post_init__(self) -> None:
        require(self.symbols >= 1, "symbols", self.symbols, "1 or more")


@dataclass
class Carry:
    """What the task leaves from one piece to the next: the model's state after it."""

    state: list[tuple[Tensor, ...]] | None = None


@dataclass(frozen=True)
class SequenceBatch:
    """Sequences side by side; a sequence weighs as many as it has steps."""

    ids: list[str]
    inputs: Tensor  # (batch, steps) the symbol before; (batch, steps, 1 + columns) with hints
    targets: Tensor  # (batch, steps) the symbol to be told
    lengths: Tensor  # (batch,) steps that are no padding; on the CPU
    weights: Tensor  # (batch,) steps, or 0 for an item that only keeps this process in step
    total: int  # steps of the whole batch, over all processes
    carry: Carry | None = None  # of pieces only
    unit = "symbols"

    @property
    def size(self) -> float:
        """Steps of its items."""
        return float(self.lengths.sum())

    @property
    def padding(self) -> float:
        """Share of the steps that is padding."""
        return padding_share(self.lengths, self.inputs.shape[1])

    def to(self, device: torch.device) -> SequenceBatch:
        """The same batch on another device."""
        names = ("inputs", "targets", "weights")
        moved: dict[str, Any] = {name: sent(getattr(self, name), device) for name in names}
        return replace(self, **moved)

    def pieces(self, frames: int) -> Iterator[SequenceBatch]:
        """Consecutive pieces of at most so many steps, with one `carry`.

        A sequence that has ended stays, with length and weight 0.
        """
        carry = Carry()
        for start in range(0, self.inputs.shape[1], frames):
            part = slice(start, start + frames)
            lengths = (self.lengths - start).clamp(0, frames)
            yield replace(
                self,
                inputs=self.inputs[:, part],
                targets=self.targets[:, part],
                lengths=lengths,
                weights=(sent(lengths, self.weights.device) * (self.weights > 0)).float(),
                total=int(lengths.sum()),
                carry=carry,
            )


class SequenceBatches:
    """The batches of named sequences, epoch after epoch; every process gets a share of each."""

    def __init__(
        self,
        sequences: Mapping[str, Sequence[int]],
        config: SequenceBatchConfig,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        hinting: Hinting | None = None,
    ) -> None:
        self.names = list(sequences)
        self.sequences = [np.array(ids, np.int32) for ids in sequences.values()]  # compact
        self.lengths = np.array([len(ids) + 1 for ids in self.sequences])  # steps
        self.config, self.seed, self.rank, self.world = config, seed, rank, world
        self.hinting = hinting

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""
        return len(self._plan(epoch))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SequenceBatch]:
        """The batches of an epoch, 1 and up shuffled, 0 by length; from batch `start` on."""
        for whole in self._plan(epoch)[start:]:
            idle = self.rank >= len(whole)
            share = whole[:1] if idle else whole[self.rank :: self.world]
            batch = collate({self.names[i]: self.sequences[i] for i in share}, self.hinting)
            weights = batch.weights * (0 if idle else 1)
            yield replace(batch, weights=weights, total=int(self.lengths[whole].sum()))

    def _plan(self, epoch: int) -> list[list[int]]:
        return make_plan(self.lengths, self.config.symbols, self.seed, epoch)


def collate(
    sequences: Mapping[str, Sequence[int] | np.ndarray], hinting: Hinting | None = None
) -> SequenceBatch:
    """Sequences by name, between boundaries, padded. Raises: InputError for a boundary inside."""
    rows = []
    for name, ids in sequences.items():
        row = torch.as_tensor(np.asarray(ids, np.int64))
        if (row == BOUNDARY).any():
            raise InputError(
                f"{name}: found symbol {BOUNDARY} inside, expected it nowhere, as it bounds sequences"
            )
        rows.append(row)
    edge = torch.tensor([BOUNDARY])
    read = [torch.cat([edge, row]) for row in rows]
    if hinting is not None:
        read = [add_hints(row, hinting) for row in read]
    lengths = torch.tensor([len(row) for row in read])
    return SequenceBatch(
        ids=list(sequences),
        inputs=pad_sequence(read, batch_first=True),
        targets=pad_sequence([torch.cat([row, edge]) for row in rows], batch_first=True),
        lengths=lengths,
        weights=lengths.float(),
        total=int(lengths.sum()),
    )


def add_hints(symbols: Tensor, hinting: Hinting) -> Tensor:
    """Symbols (steps,) of one sequence that are read -> (steps, 1 + columns), with hints."""
    return torch.cat([symbols.unsqueeze(1), torch.from_numpy(hinting(symbols.numpy()))], dim=1)
