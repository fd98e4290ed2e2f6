"""Models of sounds over a recording of any length, exactly as in one pass, in bounded memory.

Several are trainings of one config, which say the mean of their probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor

from audio_rnn.models.pooling import Sums, merge, pooled
from audio_rnn.models.recurrent import SWEEP
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.sweep import sweep
from audio_rnn.spill import Spill

AT_ONCE = 60.0  # seconds that are computed in one pass


@torch.inference_mode()
def rows_of(models: Sequence[SoundModel], static_frames: Iterable[Tensor]) -> Iterator[Tensor]:
    """Static frames of one recording in pieces, such as a `Reading` -> what each network says of
    each step, in pieces (models, steps, 2 × classes).

    Raises: StorageError when the disk is full.
    """
    device = models[0].device
    limit = AT_ONCE / models[0].features.hop_seconds
    pieces, held = (piece.to(device) for piece in static_frames), list[Tensor]()
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) > limit:
            yield from _swept(models, chain(held, pieces))
            return
    whole = torch.cat(held)[None]
    lengths = torch.tensor([whole.shape[1]])
    yield torch.cat([m.tagger.all_rows(*m.features.finish(whole, lengths)) for m in models])


def _swept(models: Sequence[SoundModel], pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    with _read_by_each(models, pieces) as frames:
        rows = [sweep(m.tagger, m.features.finish_pieces(frames())) for m in models]
        for parts in zip(*rows, strict=True):
            yield torch.stack(parts)


@contextmanager
def _read_by_each(
    models: Sequence[SoundModel], pieces: Iterable[Tensor]
) -> Iterator[Callable[[], Iterable[Tensor]]]:
    """What gives the pieces as often as there are models; from disk if there are several."""
    if len(models) == 1:
        yield lambda: pieces
        return
    with Spill(models[0].features.n_static) as kept:
        for piece in pieces:
            kept.append(piece.cpu().numpy())
        device = models[0].device
        yield lambda: (torch.from_numpy(piece).to(device) for piece in kept.pieces(SWEEP))


class ClipScore:
    """The probabilities of a clip, from rows that come piece by piece; `model` is any of several."""

    def __init__(self, model: SoundModel) -> None:
        self.model = model
        self.sums: Sums | None = None

    def add(self, rows: Tensor) -> None:
        """The next rows (models, steps, 2 × classes)."""
        if not rows.shape[1]:
            return
        inside = torch.ones(rows.shape[:2], dtype=torch.bool, device=rows.device)
        new = self.model.tagger.sums(rows.double(), inside)
        pooling = self.model.config.tagger.pooling
        self.sums = merge(pooling, self.sums, new) if self.sums else new

    def probabilities(self) -> Tensor:
        """Of all classes (classes,). After one row at least."""
        assert self.sums is not None, "a recording has at least one step"
        return self.model.probabilities(pooled(self.model.config.tagger.pooling, self.sums)).mean(0)


def step_probabilities(model: SoundModel, rows: Tensor) -> Tensor:
    """Rows (models, steps, 2 × classes) -> probabilities (steps, classes); `model` is any of them."""
    return model.probabilities(rows.chunk(2, -1)[0]).mean(0)
