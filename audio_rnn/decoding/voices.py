"""Frames of several voices drawn from a model of rolls, around voices that are given.

As in `particles.py`, several rolls are drawn side by side, and those under which the given voices are
likely go on in place of the others. Within a frame, a voice is drawn after those that the model tells
before it, given or drawn: it knows most of a given voice where that is the model's first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import one_hot

from audio_rnn.data.library import NOTHING, Search
from audio_rnn.data.rolls import KEYS, Roll, RollBatch, collate
from audio_rnn.decoding.particles import choose_again, shares_of
from audio_rnn.decoding.sampling import SamplingConfig, draw
from audio_rnn.models.key_heads import key_sung
from audio_rnn.models.recurrent import State
from audio_rnn.models.rolls import RollModel


def draw_voices(
    model: RollModel,
    frames: int,
    given: Mapping[int, NDArray[np.int64]],
    sampling: SamplingConfig,
    seed: int,
    particles: int,
    progress: Callable[[float], object] = lambda share: None,
) -> Roll:
    """A roll of so many frames; the same for the same seed.

    Args:
        model: one that keeps voices apart.
        given: by number of the voice, its key in each frame, KEYS for a rest.
        sampling: of which a penalty of repetition, made for symbols, plays no part.
        particles: rolls that are drawn side by side.
        progress: is told the share of the frames that is drawn.
    """
    cloud = _Cloud(model, frames, sampling, np.random.default_rng(seed), particles)
    for frame in range(frames):
        cloud.advance(frame, {voice: int(keys[frame]) for voice, keys in given.items()})
        cloud.resample()
        progress((frame + 1) / frames)
    return cloud.choose()


class _Cloud:
    """Rolls that are drawn side by side, and what each weighs."""

    def __init__(
        self,
        model: RollModel,
        frames: int,
        sampling: SamplingConfig,
        random: np.random.Generator,
        particles: int,
    ) -> None:
        self.model, self.sampling, self.random = model, sampling, random
        self.rolls = np.zeros((particles, frames, model.voices, KEYS), np.uint8)
        self.weights = np.zeros(particles)  # natural logarithms
        self.state: list[State] | None = None
        library, count = model.library, range(particles)
        self.searches = [Search(library) for _ in count] if library is not None else []
        self.found = [NOTHING] * particles
        self.allowed = np.zeros((particles, KEYS + 1), bool)
        self.allowed[:, [*range(model.config.lowest, model.config.highest + 1), KEYS]] = True

    @torch.no_grad()
    def advance(self, frame: int, given: Mapping[int, int]) -> None:
        """Draw one more frame of every roll."""
        batch = self._look_up(hear(self.rolls[:, : frame + 1]))
        device, before = self.model.key.device, key_sung(batch.before)
        x, self.state = self.model.features(batch.to(device), self.state)
        sung = torch.full((len(x), 1, self.model.voices), KEYS)
        for voice in self.model.order:
            known = self.model.tell_voices(x, before.to(device), sung.to(device))
            told = known[:, 0, voice].cpu().numpy()
            if voice in given:
                sung[:, 0, voice] = given[voice]
                self.weights += told[:, given[voice]]
            else:
                sung[:, 0, voice] = torch.from_numpy(self._draw(told))
        self.rolls[:, frame] = one_hot(sung[:, 0], KEYS + 1)[..., :KEYS].numpy()
        heard = zip(self.searches, sung[:, 0].numpy())
        self.found = [search.advance(keys) for search, keys in heard]

    def resample(self) -> None:
        """Where few of them have most of the weight: each again as often as it weighs."""
        chosen = choose_again(self.weights, self.random)
        if chosen is None or self.state is None:
            return
        self.rolls, self.weights = self.rolls[chosen], np.zeros(len(chosen))
        if self.searches:
            self.searches = [copy(self.searches[row]) for row in chosen]
            self.found = [self.found[row] for row in chosen]
        self.state = [
            tuple(part.unflatten(1, (len(chosen), -1))[:, chosen].flatten(1, 2) for part in layer)
            for layer in self.state
        ]

    def choose(self) -> Roll:
        """One of the rolls, by weight."""
        return self.rolls[self.random.choice(len(self.rolls), p=shares_of(self.weights))]

    def _look_up(self, batch: RollBatch) -> RollBatch:
        """The last frame of each roll, with what the model's library says of it."""
        if self.model.library is None:
            return batch
        tune = key_sung(batch.before)[:, 0, 0].numpy()
        followed, agreed = map(torch.from_numpy, self.model.library.tell(tune, self.found))
        return replace(batch, followed=followed.unsqueeze(1), agreed=agreed.unsqueeze(1))

    def _draw(self, told: np.ndarray) -> np.ndarray:
        """A key or a rest for each roll, from log-probabilities (particles, KEYS + 1)."""
        config, chances = self.sampling, self.random.random(len(told))
        top_k = config.top_k or told.shape[1]
        return draw(told, self.allowed, chances, config.temperature, top_k, config.top_p)


def hear(rolls: np.ndarray) -> RollBatch:
    """The last frame of each roll (rolls, frames, voices, KEYS), with what was heard before it."""
    batch = collate({str(number): roll for number, roll in enumerate(rolls)})
    return batch.part(rolls.shape[1] - 1, rolls.shape[1])
