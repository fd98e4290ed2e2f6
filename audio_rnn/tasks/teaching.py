"""Trained models that tell what they hear in what a new one learns from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, lerp, randint

from audio_rnn.augment.clips import Heard
from audio_rnn.models.sound import SoundModel


class Teachers:
    """Targets for a student, as trained models have them (knowledge distillation).

    Hinton et al. 2015, "Distilling the knowledge in a neural network"; that student and teacher hear
    the same excerpt of the same mixture is of Beyer et al. 2022, "Knowledge distillation: a good
    teacher is patient and consistent".
    """

    def __init__(self, models: Sequence[SoundModel], share: float) -> None:
        """`share` is that of the targets that teachers tell; the rest are those of the data."""
        self.models, self.share = [model.eval() for model in models], share

    @torch.no_grad()
    def heard(self, frames: Tensor, lengths: Tensor, heard: Heard) -> Heard:
        """Static frames (batch, frames, n_static), lengths (batch,) and targets -> targets.

        One teacher is drawn for each batch: in the mean over batches that is the mean of all, for the
        time of one.
        """
        teacher = self.models[int(randint(len(self.models), ()))].to(frames.device)
        scores = teacher.tagger(*teacher.features.finish(frames, lengths))
        tags = teacher.probabilities(scores.clips)
        steps = scores.steps.sigmoid()  # each class by itself, as steps are learned
        activity = steps.repeat_interleave(teacher.tagger.front.stride, 1)[:, : frames.shape[1]]
        return heard._replace(
            tags=lerp(heard.tags, tags, self.share),
            activity=lerp(heard.activity, activity, self.share),
        )
