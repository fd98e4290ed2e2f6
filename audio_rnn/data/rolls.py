"""Piano rolls of whole pieces in padded batches, whose frames are told from those before.

A roll is an array (frames, voices, 88) of 0 and 1, True where a voice sounds a key; a roll that
keeps no voices apart has one. Key 0 is MIDI pitch 21. A file of rolls is an .npz archive of their
names, their lengths in frames and their frames one after the other, packed to bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.config import require
from audio_rnn.data.batching import make_plan, padding_share
from audio_rnn.data.library import Found, Library
from audio_rnn.data.repeats import recall
from audio_rnn.data.sequences import Carry
from audio_rnn.device import sent
from audio_rnn.errors import MusicError, reason

KEYS = 88
LOWEST_PITCH = 21  # MIDI pitch of key 0

ALONG = ("before", "recalled", "matched", "followed", "agreed", "frames")  # of a batch, along time

Roll = NDArray[np.uint8]  # (frames, voices, KEYS)


@dataclass(frozen=True)
class RollBatchConfig:
    """How pieces become batches."""

    frames: int = 500  # padded frames a batch, over all processes
    transpose: int = 0  # semitones that a piece is moved at most in training, drawn anew each epoch

    def __post_init__(self) -> None:
        require(self.frames >= 1, "frames", self.frames, "1 or more")
        require(0 <= self.transpose < KEYS, "transpose", self.transpose, f"0 to {KEYS - 1}")


@dataclass(frozen=True)
class RollBatch:
    """Pieces side by side; a piece weighs as many as it has frames."""

    ids: list[str]
    before: (
        Tensor  # (batch, frames, voices, KEYS) uint8, the frame before; silence before the first
    )
    recalled: Tensor  # (batch, frames, voices, KEYS) uint8, what came when it was like this before
    matched: (
        Tensor  # (batch, frames) frames before that were like this; 0 where nothing is recalled
    )
    followed: Tensor  # (batch, frames, Library.told, KEYS) how a library goes on; or 0 rows
    agreed: Tensor  # (batch, frames, 2) frames before that agree with it; 0 of both without one
    frames: Tensor  # (batch, frames, voices, KEYS) uint8, those to be told
    lengths: Tensor  # (batch,) frames that are no padding; on the CPU
    weights: Tensor  # (batch,) frames, or 0 for a piece that only keeps this process in step
    total: int  # frames of the whole batch, over all processes
    start: int = 0  # frames of each piece that came before these
    carry: Carry | None = None  # of pieces of pieces only
    unit = "frames"

    @property
    def size(self) -> float:
        """Frames of its items."""
        return float(self.lengths.sum())

    @property
    def padding(self) -> float:
        """Share of the frames that is padding."""
        return padding_share(self.lengths, self.frames.shape[1])

    def to(self, device: torch.device) -> RollBatch:
        """The same batch on another device."""
        names = (*ALONG, "weights")
        moved: dict[str, Any] = {name: sent(getattr(self, name), device) for name in names}
        return replace(self, **moved)

    def pieces(self, frames: int) -> Iterator[RollBatch]:
        """Consecutive parts of at most so many frames, with one `carry`.

        A piece that has ended stays, with length and weight 0.
        """
        carry = Carry()
        for start in range(0, self.frames.shape[1], frames):
            yield replace(self.part(start, start + frames), carry=carry)

    def part(self, start: int, stop: int) -> RollBatch:
        """The frames from `start` to before `stop` of all pieces."""
        lengths = (self.lengths - start).clamp(0, stop - start)
        return replace(
            self,
            **{name: getattr(self, name)[:, start:stop] for name in ALONG},
            lengths=lengths,
            weights=(sent(lengths, self.weights.device) * (self.weights > 0)).float(),
            total=int(lengths.sum()),
            start=start,
        )


class RollBatches:
    """The batches of named rolls, epoch after epoch; every process gets a share of each."""

    def __init__(
        self,
        rolls: Mapping[str, Roll],
        config: RollBatchConfig,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        library: Library | None = None,
    ) -> None:
        """A `library` is looked up for each piece, except for the one of the same name."""
        self.library = library
        self.found: dict[str, list[Found]] = {}
        self.names, self.rolls = list(rolls), list(rolls.values())
        self.lengths = np.array([len(roll) for roll in self.rolls])
        self.config, self.seed, self.rank, self.world = config, seed, rank, world

    def steps(self, epoch: int) -> int:
        """Batches in an epoch."""
        return len(self._plan(epoch))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[RollBatch]:
        """The batches of an epoch, 1 and up shuffled and transposed; from batch `start` on."""
        for whole in self._plan(epoch)[start:]:
            idle = self.rank >= len(whole)
            share = whole[:1] if idle else whole[self.rank :: self.world]
            rolls = {self.names[i]: self._roll(i, epoch) for i in share}
            batch = collate(rolls, self.library, self.found)
            weights = batch.weights * (0 if idle else 1)
            yield replace(batch, weights=weights, total=int(self.lengths[whole].sum()))

    def _roll(self, index: int, epoch: int) -> Roll:
        if epoch == 0 or not self.config.transpose:
            return self.rolls[index]
        random = np.random.default_rng([self.seed, epoch, index])
        return transpose(self.rolls[index], self.config.transpose, random)

    def _plan(self, epoch: int) -> list[list[int]]:
        return make_plan(self.lengths, self.config.frames, self.seed, epoch)


def collate(
    rolls: Mapping[str, Roll],
    library: Library | None = None,
    found: dict[str, list[Found]] | None = None,
) -> RollBatch:
    """Rolls by name, padded, with what the library tells of each; what it found is kept in `found`."""
    found = {} if found is None else found
    frames = padded(rolls.values())
    before = torch.cat([torch.zeros_like(frames[:, :1]), frames[:, :-1]], dim=1)
    recalled, matched = zip(*map(recall, rolls.values()))
    followed, agreed = zip(*(follow(library, name, roll, found) for name, roll in rolls.items()))
    lengths = torch.tensor([len(roll) for roll in rolls.values()])
    return RollBatch(
        list(rolls), before, padded(recalled), padded(matched), padded(followed),
        padded(agreed), frames, lengths, weights=lengths.float(), total=int(lengths.sum()),
    )  # fmt: skip


def follow(
    library: Library | None, name: str, roll: Roll, found: dict[str, list[Found]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """As `Library.follow`; nothing is told without a library."""
    if library is None:
        return np.zeros((len(roll), 0, KEYS), np.float32), np.zeros((len(roll), 0), np.int64)
    if name not in found:
        found[name] = library.find(roll, name)
    return library.follow(roll, found[name])


def padded(arrays: Iterable[NDArray[Any]]) -> Tensor:
    """(frames, ...) of different lengths -> (batch, frames, ...)."""
    return pad_sequence([torch.from_numpy(array) for array in arrays], batch_first=True)


def transpose(roll: Roll, most: int, random: np.random.Generator) -> Roll:
    """Moved up or down by as many as `most` semitones, of those that keep all notes on the keys."""
    played = np.flatnonzero(roll.any(axis=(0, 1)))
    low, high = (played[0], played[-1]) if len(played) else (0, KEYS - 1)
    return np.roll(roll, random.integers(-min(most, low), min(most, KEYS - 1 - high) + 1), axis=2)


def write_rolls(path: Path, rolls: Mapping[str, Roll]) -> None:
    """Write a file of rolls, all of the same number of voices. Raises: OSError."""
    lengths = np.array([len(roll) for roll in rolls.values()])
    packed = np.packbits(np.concatenate(list(rolls.values())), axis=2)
    with path.open("wb") as file:
        np.savez_compressed(file, names=np.array(list(rolls)), lengths=lengths, frames=packed)


def read_rolls(path: Path) -> dict[str, Roll]:
    """What `write_rolls` wrote. Raises: MusicError for a file that cannot be read or is none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names, lengths, packed = (arrays[name] for name in ("names", "lengths", "frames"))
        frames = np.unpackbits(packed, axis=2, count=KEYS)
        if lengths.sum() != len(frames) or len(names) != len(lengths):
            raise ValueError(f"lengths of {lengths.sum()} frames for {len(frames)}")
    except (OSError, KeyError, ValueError, TypeError, BadZipFile, EOFError) as error:
        raise MusicError(
            f"{path}: cannot be read: {reason(error)}; expected piano rolls that a prepare script wrote"
        ) from error
    return dict(zip(names.tolist(), np.split(frames, np.cumsum(lengths)[:-1])))
