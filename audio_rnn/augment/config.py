"""What may happen to training data, how often, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from audio_rnn.config import require


@dataclass(frozen=True)
class WaveformAugmentConfig:
    """Changes of the sound itself, each drawn once an utterance, in this order."""

    speed_probability: float = 0.0  # of playing faster or slower, pitch included
    speed: tuple[float, float] = (0.9, 1.1)  # factor, in steps of 0.01
    room_probability: float = 0.0  # of being heard in a room
    room_rt60_s: tuple[float, float] = (0.1, 0.8)  # until generated reverberation falls by 60 dB
    room_direct_db: tuple[float, float] = (0.0, 12.0)  # direct sound over generated reverberation
    room_folder: Path | None = None  # recorded room responses to use in place of generated ones
    noise_probability: float = 0.0  # of added noise
    noise_snr_db: tuple[float, float] = (5.0, 30.0)  # power of the speech over the noise's
    noise_color: Literal["white", "pink"] = "pink"  # of generated noise
    noise_folder: Path | None = None  # recorded noise to use in place of generated noise
    gain_probability: float = 0.0  # of another volume
    gain_db: tuple[float, float] = (-12.0, 6.0)  # change of volume

    def __post_init__(self) -> None:
        _check(self)
        require(self.speed[0] > 0, "speed", self.speed, "factors above 0")
        require(self.room_rt60_s[0] > 0, "room_rt60_s", self.room_rt60_s, "seconds above 0")


@dataclass(frozen=True)
class FrameAugmentConfig:
    """Changes of static frames, cepstra as well as log-mel, each drawn once an utterance."""

    warp_probability: float = 0.0  # of another length of the vocal tract
    warp: tuple[float, float] = (0.85, 1.15)  # factor on all frequencies
    noise_probability: float = 0.0  # of stationary noise with a random spectrum
    noise_snr_db: tuple[float, float] = (5.0, 30.0)  # power of the speech over the noise's
    frequency_masks: int = 0  # bands of frequencies to silence
    frequency_mask_bands: int = 8  # mel bands in the widest of them
    stretch_probability: float = 0.0  # of speaking faster or slower at the same pitch
    stretch: float = 0.12  # largest change of the duration, as a share of it

    def __post_init__(self) -> None:
        _check(self)
        require(self.warp[0] > 0, "warp", self.warp, "factors above 0")
        require(0 <= self.stretch < 1, "stretch", self.stretch, "a share from 0 to below 1")


@dataclass(frozen=True)
class FrameMaskConfig:
    """Silence cut into finished frames."""

    time_masks: int = 0  # in every utterance
    time_mask_seconds: float = 0.4  # of the longest mask
    time_mask_share: float = 0.1  # of the utterance that one mask may take

    def __post_init__(self) -> None:
        _check(self)
        share = self.time_mask_share
        require(0 <= share <= 1, "time_mask_share", share, "a share from 0 to 1")
        require(
            self.time_mask_seconds >= 0, "time_mask_seconds", self.time_mask_seconds, "0 or more"
        )


@dataclass(frozen=True)
class AugmentConfig:
    """Everything that may happen to training data; nothing does until a probability is raised."""

    waveform: WaveformAugmentConfig = field(default_factory=WaveformAugmentConfig)
    frames: FrameAugmentConfig = field(default_factory=FrameAugmentConfig)
    masks: FrameMaskConfig = field(default_factory=FrameMaskConfig)


def _check(config: WaveformAugmentConfig | FrameAugmentConfig | FrameMaskConfig) -> None:
    """Probabilities within [0, 1], ranges in order, counts not negative."""
    for entry in fields(config):
        value = getattr(config, entry.name)
        if entry.name.endswith("probability"):
            require(0 <= value <= 1, entry.name, value, "a probability from 0 to 1")
        elif isinstance(value, tuple):
            require(value[0] <= value[1], entry.name, value, "the lower limit first")
        elif isinstance(value, int):
            require(value >= 0, entry.name, value, "0 or more")
