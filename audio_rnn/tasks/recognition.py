"""Speech recognition: CTC training and scoring of a speech model."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import ctc_loss

from audio_rnn.augment import AugmentConfig, FrameAugment, FrameMask, WaveformAugment
from audio_rnn.data.dataset import SpeechBatch
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.hypothesis import Hypothesis
from audio_rnn.device import sent
from audio_rnn.features import Features
from audio_rnn.metrics.text import character_errors, word_errors
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import BLANK

log = logging.getLogger(__name__)


class Recognition:
    """The engine's view of speech recognition."""

    monitor = "wer"
    better: Literal["lower", "higher"] = "lower"

    def __init__(self, model: SpeechModel, augment: AugmentConfig) -> None:
        self.model = model
        features = model.features.config
        self.waveforms = WaveformAugment(augment.waveform, features.sample_rate)
        self.frames = FrameAugment(augment.frames, features)
        self.masks = FrameMask(augment.masks, model.features.hop_seconds)
        self.silent = False  # the last evaluation found nothing but blanks

    def losses(self, batch: SpeechBatch) -> dict[str, Tensor]:
        """CTC loss of each utterance, nats per symbol."""
        log_probs, steps = self.model.acoustic(*self.augmented(batch.inputs, batch.lengths))
        return {"ctc": ctc(log_probs, steps, batch.targets, batch.target_lengths)}

    def evaluate(self, batches: Iterable[SpeechBatch]) -> dict[str, float]:
        """Mean loss, word and character error rate of greedy decoding."""
        losses, references, hypotheses = [], [], []
        for batch in batches:
            log_probs, steps = self.model(batch.inputs, batch.lengths)
            losses += ctc(log_probs, steps, batch.targets, batch.target_lengths).tolist()
            references += [
                self.model.vocabulary.decode(ids[:n])
                for ids, n in zip(batch.targets.tolist(), batch.target_lengths.tolist())
            ]
            hypotheses += [h.text for h in best_texts(self.model, log_probs, steps)]
        self._note_silence(not any(hypotheses))
        return {
            "loss": sum(losses) / len(losses),
            "wer": word_errors(references, hypotheses).rate,
            "cer": character_errors(references, hypotheses).rate,
        }

    def _note_silence(self, silent: bool) -> None:
        """Warn when silence begins, not in each epoch that it lasts."""
        if silent and not self.silent:
            log.warning(
                "the model writes nothing but blanks; usual in the first epochs of CTC, later a sign that "
                "training.rate is too high or low, or that transcripts do not belong to their audio"
            )
        self.silent = silent

    def describe(self) -> dict[str, Any]:
        """What the model folder holds besides weights."""
        return self.model.describe()

    def augmented(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms or static frames -> finished frames, changed at random on the way."""
        if x.ndim == 2:
            x, lengths = self.model.features.static(*self.waveforms(x, lengths))
        frames = self.frames.to(x.device)  # no part of the model, which the engine moves
        return self.masks(*self.model.features.finish(*frames(x, lengths)))


def best_texts(model: SpeechModel, log_probs: Tensor, steps: Tensor) -> list[Hypothesis]:
    """Greedy decoding of log_probs (batch, steps, symbols) with their valid steps (batch,)."""
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    return [
        decode(decoder, row[:n]) for row, n in zip(log_probs.detach().cpu().numpy(), steps.tolist())
    ]


def ctc(log_probs: Tensor, steps: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """CTC loss (Graves et al. 2006) of each utterance, nats per symbol.

    Utterances that augmentation made too short for their target count as zero.

    Args:
        log_probs: (batch, steps, symbols), float32.
        steps: (batch,).
        targets: (batch, symbols), padded; 64-bit and padded, they take torch's own kernel
            everywhere, because cuDNN's differs from it at the edges.
        target_lengths: (batch,).
    """
    losses = ctc_loss(
        log_probs.transpose(0, 1), targets, steps, target_lengths, BLANK, "none", zero_infinity=True
    )
    return losses / sent(target_lengths, losses.device).clamp(min=1)


def needed_steps(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """Fewest steps that CTC can write each target in: its symbols, and a blank in every repeat."""
    inside = torch.arange(1, targets.shape[1], device=targets.device) < target_lengths.unsqueeze(1)
    repeats = ((targets[:, 1:] == targets[:, :-1]) & inside).sum(dim=1)
    return target_lengths + repeats


def too_short(
    model: SpeechModel, utterances: list[Utterance], targets: list[list[int]]
) -> list[str]:
    """Ids of utterances with fewer steps than their target needs."""
    stride = model.config.acoustic.stride
    pairs = zip(utterances, targets)
    return [u.id for u, target in pairs if not fits(model.features, stride, u, target)]


def fits(features: Features, stride: int, utterance: Utterance, target: list[int]) -> bool:
    """Whether an utterance has as many steps, of `stride` frames each, as its target needs."""
    steps = -(-frame_count(features, utterance) // stride)
    return steps >= int(needed_steps(torch.tensor([target]), torch.tensor([len(target)])))


def frame_count(features: Features, utterance: Utterance) -> int:
    """Frames of an utterance, by its duration."""
    if utterance.features:
        return round(utterance.duration / features.hop_seconds)
    return features.frame_count(round(utterance.duration * features.config.sample_rate))
