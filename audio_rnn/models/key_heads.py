"""What each key has heard -> log-probability of a frame: keys by themselves, jointly, by voices."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio_rnn.data.rolls import KEYS

THINNED = 0.4  # share of the values inside the head of voices that are dropped in training
SELDOM = -10.0  # log-odds, at first, of a key outside those that are modelled in their context


class Keys(nn.Module):
    """Log-odds of each of the 88 keys from those of the keys lowest to highest."""

    def __init__(self, lowest: int, highest: int) -> None:
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.bias = nn.Parameter(torch.full((KEYS,), SELDOM))
        nn.init.constant_(self.bias[lowest : highest + 1], -3.0)

    def forward(self, logits: Tensor, frames: Tensor) -> Tensor:
        """Log-probability (batch, frames) of frames (batch, frames, KEYS), keys by their log-odds
        (batch, frames, keys)."""
        odds = functional.pad(logits, (self.lowest, KEYS - 1 - self.highest)) + self.bias
        return -functional.binary_cross_entropy_with_logits(odds, frames, reduction="none").sum(2)


class IndependentKeys(nn.Module):
    """Keys that do not know of each other."""

    def __init__(self, inputs: int, voices: int, lowest: int, highest: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, inputs)
        self.output = nn.Linear(inputs, 1)
        self.keys = Keys(lowest, highest)

    def forward(self, x: Tensor, before: Tensor, frames: Tensor) -> Tensor:
        """x (batch, frames, keys, inputs), frames and those before them (batch, frames, 1, KEYS)
        -> log-probability (batch, frames)."""
        logits = self.output(self.hidden(x).relu()).squeeze(3)
        return self.keys(logits, frames.squeeze(2))


class JointKeys(nn.Module):
    """Keys from the lowest up, each knowing which keys below it are struck, held and let go.

    An autoregressive estimator (Larochelle & Murray 2011) whose weights depend on how far below a
    key another sounds, not on where; as the features it reads, it is the same in every key.
    """

    def __init__(self, inputs: int, voices: int, lowest: int, highest: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, inputs)
        self.below = nn.Conv1d(3, inputs, highest - lowest + 1, bias=False)
        self.output = nn.Linear(inputs, 1)
        self.keys = Keys(lowest, highest)

    def forward(self, x: Tensor, before: Tensor, frames: Tensor) -> Tensor:
        """As IndependentKeys."""
        changes = torch.cat([frames * (1 - before), frames * before, (1 - frames) * before], dim=2)
        told = changes[..., self.keys.lowest : self.keys.highest].flatten(0, 1)
        past = functional.pad(told, (self.below.kernel_size[0], 0))  # (all frames, 3, ...)
        below = self.below(past).transpose(1, 2).unflatten(0, frames.shape[:2])
        logits = self.output((self.hidden(x) + below).relu()).squeeze(3)
        return self.keys(logits, frames.squeeze(2))


class KeyDropout(nn.Dropout):
    """Drops the same values of all frames and keys, so that all keys compete by the same ones."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, keys, width) -> the same shape."""
        kept = x.new_ones(len(x), 1, 1, x.shape[3])
        return x * functional.dropout(kept, self.p, self.training)


class EachVoice(nn.ModuleList):
    """A hidden layer for each voice."""

    def __init__(self, width: int, voices: int) -> None:
        super().__init__(nn.Linear(width, width) for _ in range(voices))

    def forward(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """Of each voice (..., width) -> the same shapes."""
        return [own(part).relu() for own, part in zip(self, parts)]


class Voices(nn.Module):
    """Voices one after the other, each with one key or none, knowing the keys of those before it.

    What a key knows of another voice depends on how far that sounds from it and on how far that
    has moved, and on nothing else.
    """

    def __init__(
        self,
        inputs: int,
        voices: int,
        lowest: int,
        highest: int,
        order: Sequence[int] = (),
        further: int = 0,
    ) -> None:
        """`order` is that in which voices are told, as they stand where there is none; `further` are
        the hidden layers after the first."""
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.order = [*order] or [*range(voices)]
        self.hidden = nn.Linear(inputs, voices * inputs)
        self.further = nn.ModuleList(EachVoice(inputs, voices) for _ in range(further))
        self.dropout = KeyDropout(THINNED)
        widths = [later * inputs for later in range(voices - 1, 0, -1)]
        self.distances = nn.ModuleList(nn.Embedding(2 * KEYS, width) for width in widths)
        self.moves = nn.ModuleList(nn.Embedding(2 * KEYS, width) for width in widths)
        self.output = nn.Parameter(torch.randn(voices, inputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.full((voices, KEYS), SELDOM))
        self.rest = nn.Linear(inputs, voices)
        nn.init.constant_(self.bias[:, lowest : highest + 1], -3.0)
        for table in [*self.distances, *self.moves]:
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor, before: Tensor, frames: Tensor) -> Tensor:
        """x (batch, frames, keys, inputs), frames and those before them (batch, frames, voices,
        KEYS) with at most one key a voice -> log-probability (batch, frames)."""
        sung = key_sung(frames)
        log_probs = self.log_probs(x, key_sung(before), sung)
        return log_probs.gather(3, sung.unsqueeze(3)).sum((2, 3))

    def log_probs(self, x: Tensor, before: Tensor, sung: Tensor) -> Tensor:
        """Of each key and of a rest, the last one: (batch, frames, voices, KEYS + 1).

        Of the keys `sung` in these frames (batch, frames, voices), and in those before them, a voice
        knows those of the voices told before it only.
        """
        known = self._known(x, *(picked(keys, self.order, -1) for keys in (before, sung)))
        hidden = [self.dropout(part.relu()) for part in known]
        for layer in self.further:
            hidden = [part + self.dropout(new) for part, new in zip(hidden, layer(hidden))]
        logits = [functional.linear(part, row) for part, row in zip(hidden, self.output)]
        odds = functional.pad(torch.stack(logits, dim=2), (self.lowest, KEYS - 1 - self.highest))
        rest = self.rest(x.mean(2)).unsqueeze(3)
        told = torch.cat([odds + self.bias, rest], dim=3).log_softmax(3)
        return picked(told, [self.order.index(voice) for voice in range(len(self.order))], 2)

    def _known(self, x: Tensor, before: Tensor, sung: Tensor) -> list[Tensor]:
        """Of each voice (batch, frames, keys, inputs), in the order in which they are told: what each
        key knows when its turn comes."""
        voices = len(self.output)
        parts = list(self.hidden(x).chunk(voices, 3))
        keys = torch.arange(self.lowest, self.highest + 1, device=x.device)
        for voice, (distances, moves) in enumerate(zip(self.distances, self.moves)):
            key = sung[..., voice, None]  # (batch, frames, 1)
            told = distances(apart(key, keys)) + moves(apart(before[..., voice, None], key))
            for later, part in enumerate(told.chunk(voices - 1 - voice, 3), voice + 1):
                parts[later] = parts[later] + part.to(parts[later].dtype)
        return parts


def picked(x: Tensor, places: Sequence[int], dim: int) -> Tensor:
    """What lies at places along a dimension. A list as index would have to be sent to a GPU."""
    return torch.stack([x.select(dim, place) for place in places], dim)


def key_sung(frames: Tensor) -> Tensor:
    """Frames (..., KEYS) -> the key of each voice (...), KEYS for a rest."""
    return torch.where(frames.bool().any(-1), frames.argmax(-1), KEYS)


def apart(a: Tensor, b: Tensor) -> Tensor:
    """How far key b lies above key a, from 1 up; 0 where one of them is a rest."""
    return torch.where((a < KEYS) & (b < KEYS), b - a + KEYS, 0)
