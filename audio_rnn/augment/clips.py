"""Changes of clips together with their targets: cut, moved in time, mixed with each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from audio_rnn.augment.draw import chosen, uniform
from audio_rnn.augment.mel_axis import MelAxis
from audio_rnn.config import require
from audio_rnn.device import sent
from audio_rnn.features import FeatureConfig, valid_frames

DECIBEL = math.log(10) / 10  # in log power
LOUD_SHARE = 0.1  # of a clip's frames that are louder than what it is called as loud as
LARGEST_GAIN = 40 * DECIBEL  # silence stays silent in a mixture
FLOOR = 1e-6  # share that a clip keeps at least, so that its logarithm is finite


@dataclass(frozen=True)
class ClipAugmentConfig:
    """What may happen to clips, each drawn once a clip."""

    shift_probability: float = 0.0  # of beginning somewhere else, the end following the begin
    mix_probability: float = 0.0  # of another clip of the batch mixed in (mixup)
    mix: float = 1.0  # both parameters of the beta distribution of its share
    excerpt_seconds: float | None = None  # a part this long, drawn anew each time; None: all of it
    excerpt_range_db: float = 20.0  # of a clip's loudest frame and that of its excerpts, at most

    def __post_init__(self) -> None:
        for name in ("shift_probability", "mix_probability"):
            value = getattr(self, name)
            require(0 <= value <= 1, name, value, "a probability from 0 to 1")
        require(self.mix > 0, "mix", self.mix, "above 0")
        seconds = self.excerpt_seconds
        require(seconds is None or seconds > 0, "excerpt_seconds", seconds, "above 0")
        level = self.excerpt_range_db
        require(level >= 0, "excerpt_range_db", level, "dB, 0 or more")


class Heard(NamedTuple):
    """What is heard in clips, as shares from 0 to 1."""

    tags: Tensor  # (batch, classes) in the clip
    activity: Tensor  # (batch, frames, classes) in each frame
    timed: Tensor  # (batch,) whether `activity` is known


class ClipAugment(nn.Module):
    """Excerpt, shift, then mixture, on static frames and targets.

    Excerpts are cheaper than whole clips, and never the same twice. Where only tags are known, one
    begins where it will hear something that is hardly quieter than the clip's loudest frame.

    Mixture: Tokozume et al. 2018, "Learning from between-class examples", on power spectra, where
    sounds add up. Both clips are brought to equal loudness, then their amplitudes take shares: so
    a share says what is heard, however loud the recordings are. Of one class a clip, targets are
    mixed by the shares; of several, all that is heard in either is heard in the mixture.
    """

    def __init__(self, config: ClipAugmentConfig, features: FeatureConfig, several: bool) -> None:
        super().__init__()
        self.config, self.several = config, several
        self.mel_axis = MelAxis(features)
        self.hop_seconds = features.hop_length / features.sample_rate

    def forward(
        self, frames: Tensor, lengths: Tensor, heard: Heard
    ) -> tuple[Tensor, Tensor, Heard]:
        """(batch, frames, n_static), lengths (batch,) and targets -> the same; in training mode.

        A clip is at most as long as an excerpt, a mixture as long as the longer clip.
        """
        if not self.training or not frames.numel():
            return frames, lengths, heard
        if self.config.excerpt_seconds is not None:
            size = max(1, round(self.config.excerpt_seconds / self.hop_seconds))
            frames, lengths, heard = self._excerpts(frames, lengths, heard, size)
        if self.config.shift_probability > 0:
            frames, heard = self._shifted(frames, sent(lengths, frames.device), heard)
        if self.config.mix_probability > 0 and len(frames) > 1:
            return self._mixed(frames, lengths, heard)
        return frames, lengths, heard

    def _excerpts(
        self, frames: Tensor, lengths: Tensor, heard: Heard, size: int
    ) -> tuple[Tensor, Tensor, Heard]:
        if frames.shape[1] <= size:
            return frames, lengths, heard
        starts = self._starts(frames, sent(lengths, frames.device), heard.timed, size)
        places = (starts[:, None] + torch.arange(size, device=frames.device)).unsqueeze(-1)
        activity = heard.activity.gather(1, places.expand(-1, -1, heard.activity.shape[2]))
        frames = frames.gather(1, places.expand(-1, -1, frames.shape[2]))
        return frames, lengths.clamp(max=size), heard._replace(activity=activity)

    def _starts(self, frames: Tensor, lengths: Tensor, timed: Tensor, size: int) -> Tensor:
        """First frames of excerpts (batch,): any that keeps within the clip and hears something."""
        level = (frames @ self.mel_axis.to_mel).logsumexp(-1)  # (batch, frames)
        level = level.masked_fill(~valid_frames(lengths, frames.shape[1]), -torch.inf)
        loudest = max_pool1d(level.unsqueeze(1), size, 1).squeeze(1)  # of each possible excerpt
        sounds = loudest >= loudest.amax(1, keepdim=True) - DECIBEL * self.config.excerpt_range_db
        inside = valid_frames((lengths - size).clamp(min=0) + 1, loudest.shape[1])
        fits = inside & (sounds | timed[:, None])
        number = (uniform(0, 1, frames) * fits.sum(1)).long()  # of those that fit
        return (fits.cumsum(1) <= number[:, None]).sum(1)

    def _shifted(self, frames: Tensor, lengths: Tensor, heard: Heard) -> tuple[Tensor, Heard]:
        which = chosen(self.config.shift_probability, frames)
        by = (uniform(0, 1, frames) * lengths).long() * which
        times = torch.arange(frames.shape[1], device=frames.device)
        turned = (times + by[:, None]) % lengths[:, None].clamp(min=1)
        places = torch.where(valid_frames(lengths, len(times)), turned, times).unsqueeze(-1)
        activity = heard.activity.gather(1, places.expand_as(heard.activity))
        return frames.gather(1, places.expand_as(frames)), heard._replace(activity=activity)

    def _mixed(self, frames: Tensor, lengths: Tensor, heard: Heard) -> tuple[Tensor, Tensor, Heard]:
        shares, mates = self._shares(len(frames)), torch.randperm(len(frames))
        longer = torch.maximum(lengths, lengths[mates]).where(shares > 0, lengths)
        share, order, given = (sent(x, frames.device) for x in (shares, mates, lengths))
        mel = frames @ self.mel_axis.to_mel
        inside = valid_frames(given, frames.shape[1]).unsqueeze(-1)
        power = mel.masked_fill(~inside, -torch.inf)
        loud = loudness(mel, given)
        gain = (loud - loud[order]).clamp(-LARGEST_GAIN, LARGEST_GAIN)
        total = ((1 - share) ** 2 + share**2).log()  # so that the mixture is as loud as the first
        first = power + (2 * (1 - share).log() - total)[:, None, None]
        second = power[order] + (2 * share.clamp(min=FLOOR).log() - total + gain)[:, None, None]
        mixed = torch.logaddexp(first, second).where(inside | inside[order], 0)
        which = (share > 0)[:, None, None]
        return (
            torch.where(which, mixed @ self.mel_axis.to_frames, frames),
            longer,
            self._both(heard, order, share),
        )

    def _shares(self, clips: int) -> Tensor:
        """Of the amplitude, the other clip's: (clips,) on the CPU, at most half."""
        draws = torch.distributions.Beta(self.config.mix, self.config.mix).sample((clips,))
        return torch.minimum(draws, 1 - draws) * chosen(self.config.mix_probability, draws)

    def _both(self, heard: Heard, order: Tensor, share: Tensor) -> Heard:
        """The targets of mixtures. A mixture is timed if both clips are."""
        other = Heard(*(part[order] for part in heard))
        alone = share == 0
        if self.several:
            tags = torch.maximum(heard.tags, other.tags)
            activity = torch.maximum(heard.activity, other.activity)
        else:
            tags = torch.lerp(heard.tags, other.tags, share[:, None])
            activity = torch.lerp(heard.activity, other.activity, share[:, None, None])
        return Heard(
            heard.tags.where(alone[:, None], tags),
            heard.activity.where(alone[:, None, None], activity),
            heard.timed & (alone | other.timed),
        )


def loudness(mel: Tensor, lengths: Tensor) -> Tensor:
    """Log power that a tenth of a clip's frames exceed (batch,), of (batch, frames, bands)."""
    levels = mel.logsumexp(-1).masked_fill(~valid_frames(lengths, mel.shape[1]), -torch.inf)
    place = (lengths * LOUD_SHARE).long().unsqueeze(1)
    return levels.sort(1, descending=True).values.gather(1, place).squeeze(1)
