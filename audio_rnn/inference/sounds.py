"""Models of sounds over a recording of any length, exactly as in one pass, in bounded memory.

Several are trainings of one config, which say the mean of their probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor

from audio_rnn.models.recurrent import SWEEP
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.sweep import sweep
from audio_rnn.models.tagger import ClipSums, TaggerModel
from audio_rnn.models.texture import Texture
from audio_rnn.spill import Spill

AT_ONCE = 60.0  # seconds that are computed in one pass


@torch.inference_mode()
def rows_of(
    models: Sequence[SoundModel], static_frames: Iterable[Tensor], clips: bool = True
) -> Iterator[Tensor]:
    """Static frames of one recording in pieces, such as a `Reading` -> what each model says of
    each step, in pieces (models, steps, 2 × classes or more); steps alone are asked for without `clips`.

    Raises: StorageError when the disk is full.
    """
    device = models[0].device
    limit = AT_ONCE / models[0].features.hop_seconds
    pieces, held = (piece.to(device) for piece in static_frames), list[Tensor]()
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) > limit:
            yield from _swept(models, chain(held, pieces), clips)
            return
    whole = torch.cat(held)[None]
    yield rows_of_batch(models, whole, torch.tensor([whole.shape[1]]), clips)[:, 0]


def rows_of_batch(
    models: Sequence[SoundModel], static_frames: Tensor, lengths: Tensor, clips: bool = True
) -> Tensor:
    """The same of static frames (batch, frames, n_static): (models, batch, steps, 2 × classes or more)."""
    networks = [m.tagger.all_rows if clips else m.tagger.network_rows for m in models]
    given = (m.features.finish(static_frames, lengths) for m in models)
    return torch.stack([rows(*finished) for rows, finished in zip(networks, given)])


def _swept(models: Sequence[SoundModel], pieces: Iterable[Tensor], clips: bool) -> Iterator[Tensor]:
    with _read_by_each(models, pieces) as frames:
        rows = [_rows(m.tagger, m.features.finish_pieces(frames()), clips) for m in models]
        for parts in zip(*rows, strict=True):
            yield torch.stack(parts)


def _rows(tagger: TaggerModel, frames: Iterable[Tensor], clips: bool) -> Iterator[Tensor]:
    """Finished frames in pieces -> rows of the network; for clips, sums of the texture beside them."""
    texture = tagger.texture if clips else None
    if texture is None:
        yield from sweep(tagger, frames)
        return
    with Spill(texture.width) as sums:
        done = 0
        for rows in sweep(tagger, _summed(texture, frames, sums)):
            beside = torch.from_numpy(sums.read(done, done + len(rows))).to(rows.device)
            yield torch.cat([rows, beside], -1)
            done += len(rows)


def _summed(texture: Texture, frames: Iterable[Tensor], sums: Spill) -> Iterator[Tensor]:
    """The same frames; what the texture sums of them lies in `sums` before anyone needs it."""
    stage, last = texture.stage(), None
    for last in frames:
        sums.append(stage(last, False).cpu().numpy())
        yield last
    if last is not None:
        sums.append(stage(last[:0], True).cpu().numpy())


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
    """The probabilities of a clip, from rows that come piece by piece."""

    def __init__(self, models: Sequence[SoundModel]) -> None:
        self.models = models
        self.sums: ClipSums | None = None

    def add(self, rows: Tensor) -> None:
        """The next rows (models, steps, 2 × classes or more)."""
        if not rows.shape[1]:
            return
        inside = torch.ones(rows.shape[:2], dtype=torch.bool, device=rows.device)
        tagger = self.models[0].tagger
        new = tagger.sums(rows.double(), inside)
        self.sums = tagger.merged(self.sums, new) if self.sums else new

    @torch.inference_mode()
    def probabilities(self) -> Tensor:
        """Of all classes (classes,). After one row at least."""
        assert self.sums is not None, "a recording has at least one step"
        scores = [m.tagger.clip_scores(self.sums.item(i)) for i, m in enumerate(self.models)]
        return self.models[0].probabilities(torch.cat(scores)).mean(0)


def step_probabilities(model: SoundModel, rows: Tensor) -> Tensor:
    """Rows (models, steps, 2 × classes or more) -> probabilities (steps, classes); `model` is any."""
    return model.probabilities(model.tagger.step_scores(rows)).mean(0)
