"""What each key has heard -> log-probability of a frame: keys by themselves, jointly, by voices."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio_rnn.data.rolls import KEYS

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

    def forward(self, x: Tensor, frames: Tensor) -> Tensor:
        """x (batch, frames, keys, inputs), frames (batch, frames, 1, KEYS) -> log-probability
        (batch, frames)."""
        logits = self.output(self.hidden(x).relu()).squeeze(3)
        return self.keys(logits, frames.squeeze(2))


class JointKeys(nn.Module):
    """Keys from the lowest up, each knowing which keys below it sound.

    An autoregressive estimator (Larochelle & Murray 2011) whose weights depend on how far below a
    key another sounds, not on where; as the features it reads, it is the same in every key.
    """

    def __init__(self, inputs: int, voices: int, lowest: int, highest: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, inputs)
        self.below = nn.Conv1d(1, inputs, highest - lowest + 1, bias=False)
        self.output = nn.Linear(inputs, 1)
        self.keys = Keys(lowest, highest)

    def forward(self, x: Tensor, frames: Tensor) -> Tensor:
        """As IndependentKeys."""
        lowest, highest = self.keys.lowest, self.keys.highest
        sounding = frames[..., lowest:highest].flatten(0, 1)  # (all frames, 1, keys - 1)
        past = functional.pad(sounding, (self.below.kernel_size[0], 0))
        below = self.below(past).transpose(1, 2).unflatten(0, frames.shape[:2])
        logits = self.output((self.hidden(x) + below).relu()).squeeze(3)
        return self.keys(logits, frames.squeeze(2))


class Voices(nn.Module):
    """Voices one after the other, each with one key or none, knowing the keys of those before it.

    What a key knows of another voice depends on how far that sounds from it, and on nothing else.
    """

    def __init__(self, inputs: int, voices: int, lowest: int, highest: int) -> None:
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.hidden = nn.Linear(inputs, voices * inputs)
        tables = [nn.Embedding(2 * KEYS, later * inputs) for later in range(voices - 1, 0, -1)]
        self.distances = nn.ModuleList(tables)
        self.output = nn.Parameter(torch.randn(voices, inputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.full((voices, KEYS), SELDOM))
        self.rest = nn.Linear(inputs, voices)
        nn.init.constant_(self.bias[:, lowest : highest + 1], -3.0)
        for table in tables:
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor, frames: Tensor) -> Tensor:
        """x (batch, frames, keys, inputs), frames (batch, frames, voices, KEYS) with at most one
        key a voice -> log-probability (batch, frames)."""
        sung = torch.where(frames.any(3), frames.argmax(3), KEYS)  # (batch, frames, voices)
        hidden = self._hidden(x, sung)
        logits = (hidden.relu() * self.output).sum(4).transpose(2, 3)  # (..., voices, keys)
        odds = functional.pad(logits, (self.lowest, KEYS - 1 - self.highest)) + self.bias
        rest = self.rest(x.mean(2)).unsqueeze(3)
        log_probs = torch.cat([odds, rest], dim=3).log_softmax(3)
        return log_probs.gather(3, sung.unsqueeze(3)).sum((2, 3))

    def _hidden(self, x: Tensor, sung: Tensor) -> Tensor:
        """(batch, frames, keys, voices, inputs): what each key knows when a voice's turn comes."""
        voices = len(self.output)
        parts = list(self.hidden(x).unflatten(3, (voices, -1)).unbind(3))
        keys = torch.arange(self.lowest, self.highest + 1, device=x.device)
        for voice, table in enumerate(self.distances):
            key = sung[..., voice, None]
            distance = torch.where(key < KEYS, keys - key + KEYS, 0)  # 0 stands for a rest
            for later, known in enumerate(table(distance).chunk(voices - 1 - voice, 3), voice + 1):
                parts[later] = parts[later] + known
        return torch.stack(parts, dim=3)
