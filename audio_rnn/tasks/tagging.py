"""Tagging and detection: what is minimised, and how well it goes, for clips and for events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, binary_cross_entropy_with_logits, pad

from audio_rnn.augment import AugmentConfig, FrameAugment, FrameMask, WaveformAugment
from audio_rnn.augment.clips import ClipAugment, ClipAugmentConfig, Heard
from audio_rnn.config import require
from audio_rnn.data.clips import ClipBatch
from audio_rnn.device import sent
from audio_rnn.features import valid_frames
from audio_rnn.metrics.tags import accuracy, average_precisions, mean_over_classes
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.tagger import Scores

# Of the texture's loss in the sum: its gradient then leaves the length that the whole is clipped by to the
# network, and Adam's steps do not depend on the scale of a gradient.
TEXTURE_WEIGHT = 0.1


@dataclass(frozen=True)
class TaggingConfig:
    """What counts how much."""

    balance: float = 0.0  # how far rare classes are weighted up: 0 not at all, 1 to equal shares
    events: float = 1.0  # weight of the loss of steps, where events are known

    def __post_init__(self) -> None:
        require(0 <= self.balance <= 1, "balance", self.balance, "a share from 0 to 1")
        require(self.events >= 0, "events", self.events, "0 or more")


class Tagging:
    """The engine's view of tagging and detection."""

    better: Literal["lower", "higher"] = "higher"

    def __init__(
        self,
        model: SoundModel,
        augment: AugmentConfig,
        clips: ClipAugmentConfig,
        config: TaggingConfig,
        shares: Tensor,
        timed: bool = False,
    ) -> None:
        """`shares` (classes,): of the training clips, those that each class is heard in; `timed`: whether
        validation data say when, so that the best model is the one that tells steps best."""
        self.model, self.config = model, config
        features, several = model.features.config, model.config.labels == "several"
        self.monitor = "step_ap" if timed else "mean_ap" if several else "accuracy"
        self.waveforms = WaveformAugment(augment.waveform, features.sample_rate)
        self.frames = FrameAugment(augment.frames, features)
        self.clips = ClipAugment(clips, features, several)
        self.masks = FrameMask(augment.masks, model.features.hop_seconds)
        self.weights = class_weights(shares, config.balance)

    def losses(self, batch: ClipBatch) -> dict[str, Tensor]:
        """Cross entropy of the tags of each clip, and of the steps of those with known events.

        The texture has a loss of its own, of whole clips that are not mixed.
        """
        static, finish, tagger = self._static(batch), self.model.features.finish, self.model.tagger
        frames, lengths, heard = self._augmented(*static, batch)
        scores = tagger.network(*self.masks(*finish(frames, lengths)))
        found = {"tags": self._tag_loss(scores.clips, heard.tags)}
        if tagger.texture is not None:
            alone = self._tag_loss(tagger.texture(*finish(*static)), batch.tags)
            found["texture"] = TEXTURE_WEIGHT * alone
        if self.config.events and bool(batch.timed.any()):
            found["events"] = self.config.events * self._step_loss(scores, heard)
        return found

    def evaluate(self, batches: Iterable[ClipBatch]) -> dict[str, float]:
        """Loss and, of clips, accuracy or mean average precision; of steps too, if known."""
        losses, truth, found, steps = [], [], [], []
        for batch in batches:
            scores = self.model(batch.inputs, batch.lengths)
            losses += self._tag_loss(scores.clips, batch.tags).tolist()
            truth.append(batch.tags.cpu().numpy())
            found.append(self.model.probabilities(scores.clips).cpu().numpy())
            steps.append(self._timed_steps(batch, scores))
        results = {"loss": sum(losses) / len(losses)}
        tags, told = np.concatenate(truth), np.concatenate(found)
        if self.model.config.labels == "one":
            results["accuracy"] = accuracy(tags, told)
        results["mean_ap"] = mean_over_classes(average_precisions(tags, told))
        active, score = (np.concatenate(part) for part in zip(*steps))
        if active.any():
            results["step_ap"] = mean_over_classes(average_precisions(active, score))
        return results

    def describe(self) -> dict[str, Any]:
        """What the model folder holds besides weights."""
        return self.model.describe()

    def _static(self, batch: ClipBatch) -> tuple[Tensor, Tensor]:
        """Static frames of waveforms that were changed at random."""
        x, lengths = batch.inputs, batch.lengths
        return (
            self.model.features.static(*self.waveforms(x, lengths)) if x.ndim == 2 else (x, lengths)
        )

    def _augmented(
        self, x: Tensor, lengths: Tensor, batch: ClipBatch
    ) -> tuple[Tensor, Tensor, Heard]:
        """Static frames and targets, changed at random."""
        augment = self.frames.to(x.device)  # no part of the model, which the engine moves
        frames, lengths = augment(x, lengths)
        activity = active_frames(batch, lengths, frames.shape[1])
        heard = Heard(batch.tags, activity, sent(batch.timed, x.device))
        return self.clips.to(x.device)(frames, lengths, heard)

    def _tag_loss(self, scores: Tensor, tags: Tensor) -> Tensor:
        """(batch, classes) -> (batch,) nats, the mean over classes where there are several."""
        weights = sent(self.weights, scores.device)
        if self.model.config.labels == "one":
            return -(tags * weights * scores.log_softmax(-1)).sum(-1)
        losses = binary_cross_entropy_with_logits(
            scores, tags, reduction="none", pos_weight=weights
        )
        return losses.mean(-1)

    def _step_loss(self, scores: Scores, heard: Heard) -> Tensor:
        """(batch,) nats, the mean over valid steps and classes; 0 where events are not known."""
        active = active_steps(heard.activity, self.model.tagger.front.stride, scores.steps.shape[1])
        losses = binary_cross_entropy_with_logits(
            scores.steps, active, reduction="none", pos_weight=sent(self.weights, active.device)
        ).mean(-1)
        lengths = sent(scores.lengths, losses.device)
        inside = valid_frames(lengths, losses.shape[1])
        return (losses * inside).sum(1) / lengths.clamp(min=1) * heard.timed

    def _timed_steps(self, batch: ClipBatch, scores: Scores) -> tuple[np.ndarray, np.ndarray]:
        """Of all steps of clips with known events: what is heard, and its probability."""
        stride = self.model.tagger.front.stride
        count = scores.steps.shape[1]
        frames = active_frames(batch, scores.lengths * stride, count * stride)
        active = active_steps(frames, stride, count) > 0
        kept = sent(valid_frames(scores.lengths, count) & batch.timed[:, None], active.device)
        told = self.model.probabilities(scores.steps)
        return active[kept].cpu().numpy(), told[kept].cpu().numpy()


def active_frames(batch: ClipBatch, lengths: Tensor, frames: int) -> Tensor:
    """(batch, frames, classes) 1 from the onset to the offset of each event.

    Times are stretched to the lengths that clips have got.
    """
    lengths = sent(lengths, batch.seconds.device)
    items, classes = batch.events[:, 0].long(), batch.events[:, 1].long()
    rate = (lengths / batch.seconds)[items]
    onsets, offsets = ((batch.events[:, i] * rate).round().long().clamp(0, frames) for i in (2, 3))
    onsets = torch.minimum(onsets, lengths[items] - 1)
    offsets = torch.maximum(offsets, onsets + 1)
    changes = batch.tags.new_zeros(len(batch.tags), frames + 1, batch.tags.shape[1])
    one = torch.ones_like(rate)
    changes.index_put_((items, onsets, classes), one, accumulate=True)
    changes.index_put_((items, offsets, classes), -one, accumulate=True)
    return changes.cumsum(1)[:, :-1].clamp(0, 1)


def active_steps(activity: Tensor, stride: int, steps: int) -> Tensor:
    """(batch, frames, classes) -> (batch, steps, classes), the mean over each step's frames."""
    missing = steps * stride - activity.shape[1]
    padded = pad(activity.transpose(1, 2), (0, missing))
    return avg_pool1d(padded, stride).transpose(1, 2)


def class_weights(shares: Tensor, balance: float) -> Tensor:
    """What each class counts (classes,): the inverse of its share to the power of `balance`.

    Their mean over the clips is 1; a class without clips counts as 1.
    """
    weights = shares.clamp(min=1e-6) ** -balance
    weights = weights / ((weights * shares).sum() / shares.sum())
    return weights.where(shares > 0, 1.0)
