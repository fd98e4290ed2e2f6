"""A model of sounds over a recording of any length, exactly as in one pass, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor

from audio_rnn.models.pooling import Sums, merge, pooled
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.sweep import sweep

AT_ONCE = 60.0  # seconds that are computed in one pass


@torch.inference_mode()
def rows_of(model: SoundModel, static_frames: Iterable[Tensor]) -> Iterator[Tensor]:
    """Static frames of one recording in pieces, such as a `Reading` -> what the network says of
    each step, in pieces (steps, 2 × classes).

    Raises: StorageError when the disk is full.
    """
    limit = AT_ONCE / model.features.hop_seconds
    pieces, held = (piece.to(model.device) for piece in static_frames), list[Tensor]()
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) > limit:
            frames = model.features.finish_pieces(chain(held, pieces))
            yield from sweep(model.tagger, frames)
            return
    whole = torch.cat(held)[None]
    lengths = torch.tensor([whole.shape[1]], device=model.device)
    yield model.tagger.all_rows(*model.features.finish(whole, lengths))[0]


class ClipScore:
    """The probabilities of a clip, from rows that come piece by piece."""

    def __init__(self, model: SoundModel) -> None:
        self.model = model
        self.sums: Sums | None = None

    def add(self, rows: Tensor) -> None:
        """The next rows (steps, 2 × classes)."""
        if not len(rows):
            return
        inside = torch.ones(1, len(rows), dtype=torch.bool, device=rows.device)
        new = self.model.tagger.sums(rows[None].double(), inside)
        pooling = self.model.config.tagger.pooling
        self.sums = merge(pooling, self.sums, new) if self.sums else new

    def probabilities(self) -> Tensor:
        """Of all classes (classes,). After one row at least."""
        assert self.sums is not None, "a recording has at least one step"
        return self.model.probabilities(pooled(self.model.config.tagger.pooling, self.sums))[0]


def step_probabilities(model: SoundModel, rows: Tensor) -> Tensor:
    """Rows (steps, 2 × classes) -> probabilities (steps, classes)."""
    return model.probabilities(rows.chunk(2, -1)[0])
