"""Frames of 88 keys -> log-probability of the next frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from audio_rnn.config import from_dict, require, to_dict
from audio_rnn.data.library import Library
from audio_rnn.data.rolls import KEYS, RollBatch
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.features import valid_frames
from audio_rnn.models.folder import ModelFolder, load_weights, read_model
from audio_rnn.models.key_heads import IndependentKeys, JointKeys, Voices
from audio_rnn.models.key_layers import KeyLayer
from audio_rnn.models.recurrent import Cell, RecurrentConfig, State

KIND = "rolls"
PERIODS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)  # frames of what music repeats: beats, bars, phrases
MATCHES = (1, 2, 4, 8, 16, 32, 64)  # frames that agree with what is recalled: steps of a class
AGREED = (1, 8, 16, 24, 32, 48, 64, 128)  # frames that agree with a library: likewise
PIECE = 256  # frames that are scored at once: bounds the memory that a long piece takes
HeadName = Literal["independent", "joint", "voices"]


@dataclass(frozen=True)
class RollConfig:
    """Recurrent layers along time for each key, with the same weights for all."""

    heads: tuple[HeadName, ...] = ("joint", "independent")  # how the keys of a frame hang together
    order: tuple[int, ...] = ()  # of voices as the head of voices tells them; none: as they stand
    head_layers: int = 1  # hidden layers of the head of voices
    window: int = 36  # keys to either side whose notes a key hears
    reach: int = 6  # keys to either side whose state each further layer hears
    cell: Cell = "gru"
    hidden: int = 64  # units of a layer, for each key
    layers: int = 1
    dropout: float = 0.2  # after each layer
    lowest: int = 0  # first key of those modelled in their context; others by how often they sound
    highest: int = KEYS - 1  # last key of those

    def __post_init__(self) -> None:
        for name in ("window", "reach", "hidden", "layers", "head_layers"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        require(len(self.heads) > 0, "heads", self.heads, "one or more")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 <= dropout < 1")
        require(0 <= self.lowest <= self.highest < KEYS, "lowest", self.lowest, "0 to highest")


def make_head(name: HeadName, config: RollConfig, voices: int) -> nn.Module:
    """One of the heads. Raises: ConfigError for an order of other voices."""
    shape = (config.hidden, voices, config.lowest, config.highest)
    if name == "independent":
        return IndependentKeys(*shape)
    if name == "joint":
        return JointKeys(*shape)
    holds = not config.order or sorted(config.order) == [*range(voices)]
    require(holds, "order", config.order, f"each of the {voices} voices from 0 once, or none")
    return Voices(*shape, config.order, config.head_layers - 1)


class RollModel(nn.Module):
    """Reads frames and tells each one from those before.

    Each key has recurrent layers of its own that hear the keys around it, and all share their
    weights: what is learned of one key holds for a piece in any other. On top are one or several
    heads, each of which tells frames in its own way from what the layers know.
    """

    def __init__(self, config: RollConfig, voices: int = 1, library: Library | None = None) -> None:
        """A `library` is part of a model of voices; whoever makes batches for it looks up there."""
        super().__init__()
        if library is not None:
            heads = ", ".join(config.heads)
            require(heads == "voices", "heads", heads, "voices, with a library")
            self.register_buffer("known", torch.from_numpy(library.sung.astype(np.uint8)))
        self.config, self.voices, self.library = config, voices, library
        hidden, keys = config.hidden, config.highest - config.lowest + 1
        layer = RecurrentConfig(
            config.cell, hidden, layers=1, bidirectional=False, dropout=config.dropout
        )
        further = [KeyLayer(layer, hidden, config.reach) for _ in range(config.layers - 1)]
        rows, classes = 2 * voices, len(MATCHES) + 1
        if library is not None:
            rows, classes = rows + library.told, classes + 2 * (len(AGREED) + 1)
        self.layers = nn.ModuleList([KeyLayer(layer, rows, config.window), *further])
        self.key = nn.Parameter(torch.zeros(keys, 1, hidden))
        self.time = nn.Linear(2 * len(PERIODS) + 1 + classes, hidden)
        self.heads = nn.ModuleDict({name: make_head(name, config, voices) for name in config.heads})

    def log_likelihood(
        self, batch: RollBatch, state: list[State] | None = None
    ) -> tuple[dict[str, Tensor], list[State]]:
        """Natural log-probability (batch, frames) of each frame by each head, 0 beyond each length.

        `state` is what an earlier call returned, to go on where it stopped.
        """
        x, state = self.features(batch, state)
        before, frames = batch.before.float(), batch.frames.float()
        beyond = ~valid_frames(sent(batch.lengths, frames.device), frames.shape[1])
        told = {name: head(x, before, frames) for name, head in self.heads.items()}
        return {name: nats.masked_fill(beyond, 0) for name, nats in told.items()}, state

    def features(
        self, batch: RollBatch, state: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """What each key has heard before each frame: (batch, frames, keys, hidden), and the state."""
        heard = torch.cat([batch.before, batch.recalled, batch.followed], dim=2)
        x = heard[..., self.config.lowest : self.config.highest + 1].float()
        context = self.key + self.time(moments(batch)).unsqueeze(1)
        states: list[State] = []
        for i, layer in enumerate(self.layers):
            before = state[i : i + 1] if state else None
            x, last = layer(x, batch.lengths, before, context if i == 0 else 0.0)
            states += last
        return x.transpose(2, 3), states

    def tell_voices(self, x: Tensor, before: Tensor, sung: Tensor) -> Tensor:
        """From `features`: log-probability of each key and of a rest for each voice, as
        `key_heads.Voices.log_probs` says. Of a model with that head."""
        return self._voices.log_probs(x, before, sung)

    @property
    def order(self) -> list[int]:
        """Voices as they are told, each knowing those before it. Of a model with that head."""
        return self._voices.order

    @property
    def _voices(self) -> Voices:
        head = self.heads["voices"]
        assert isinstance(head, Voices)
        return head

    @torch.no_grad()
    def score(self, batch: RollBatch) -> dict[str, Tensor]:
        """Natural log-probability (batch, frames) of each frame by each head, in float64."""
        told: dict[str, list[Tensor]] = {name: [] for name in self.heads}
        state = None
        for piece in batch.pieces(PIECE):
            parts, state = self.log_likelihood(piece, state)
            for name, part in parts.items():
                told[name].append(part.double())
        return {name: torch.cat(parts, dim=1) for name, parts in told.items()}

    def describe(self) -> dict[str, Any]:
        """All that is needed to build this model again, as JSON values."""
        pieces = self.library and dict(zip(self.library.names, self.library.lengths))
        return {
            "kind": KIND, "config": to_dict(self.config), "voices": self.voices, "library": pieces
        }  # fmt: skip

    @classmethod
    def load(cls, folder: str | Path) -> RollModel:
        """The model in a run folder or model folder, ready for use. Raises ModelError."""
        folder = Path(folder)
        saved = read_model(folder, KIND)
        try:
            config = from_dict(RollConfig, saved.description["config"])
            model = cls(config, saved.description["voices"], _library_in(saved))
        except (ConfigError, KeyError, TypeError) as error:
            raise ModelError(
                f"{folder}: broken description: {error}; copy the whole folder again"
            ) from error
        load_weights(model, saved.weights, folder)
        return model.eval()


def _library_in(saved: ModelFolder) -> Library | None:
    pieces, known = saved.description.get("library"), saved.weights.get("known")
    if pieces is None or known is None:
        return None
    return Library(tuple(pieces), tuple(pieces.values()), known.long().numpy(), KEYS)


def moments(batch: RollBatch) -> Tensor:
    """What is known of each frame's place in its piece: `beats`, and the classes of how much is
    recalled and of how much agrees with a library; (batch, frames, values)."""
    beat = sent(beats(batch.start, batch.frames.shape[1]), batch.matched.device)
    matches = in_classes(batch.matched, MATCHES)
    agreed = in_classes(batch.agreed, AGREED).flatten(2)
    return torch.cat([beat.expand(len(matches), -1, -1), matches, agreed], dim=2)


def in_classes(counts: Tensor, steps: Sequence[int]) -> Tensor:
    """Counts (...) -> which of the classes they are in that begin at `steps`: (..., classes)."""
    bounds = sent(torch.tensor(steps), counts.device)
    classes = torch.bucketize(counts.contiguous(), bounds, right=True)
    return functional.one_hot(classes, len(steps) + 1).float()


def beats(start: int, frames: int) -> Tensor:
    """Where frames from `start` on stand in each of PERIODS, as sine and cosine, and which is first:
    (frames, 2 * len(PERIODS) + 1)."""
    time = torch.arange(start, start + frames)
    angles = torch.stack([time % period / period for period in PERIODS], dim=1) * 2 * math.pi
    return torch.cat([angles.sin(), angles.cos(), (time == 0).float().unsqueeze(1)], dim=1)
