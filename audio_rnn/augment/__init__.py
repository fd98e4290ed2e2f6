"""Random changes of waveforms and frames that make a little training data go further.

Every choice is drawn on the CPU from torch's global generator, whatever device the data is on:
`torch.manual_seed` reproduces it, and a checkpoint that keeps that generator's state resumes it.
All modules change nothing in `.eval()` mode.
"""

from audio_rnn.augment.config import (
    AugmentConfig,
    FrameAugmentConfig,
    FrameMaskConfig,
    WaveformAugmentConfig,
)
from audio_rnn.augment.frames import FrameAugment, FrameMask
from audio_rnn.augment.waveform import WaveformAugment

__all__ = [
    "AugmentConfig",
    "FrameAugment",
    "FrameAugmentConfig",
    "FrameMask",
    "FrameMaskConfig",
    "WaveformAugment",
    "WaveformAugmentConfig",
]
