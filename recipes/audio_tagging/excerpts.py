"""Random parts of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audio_rnn.audio import audio_info, read_excerpt
from recipes.audio_tagging.sounding import Waveform


def excerpt(
    path: Path,
    seconds: float,
    sample_rate: int,
    draw: np.random.Generator,
    part: tuple[float, float] = (0.0, 1.0),
) -> Waveform:
    """`seconds` from a random place within `part` of a recording; a short one is repeated.

    `part` is from where to where, as shares of the recording. Raises: AudioError.
    """
    duration = audio_info(path).duration
    first, end = part[0] * duration, part[1] * duration
    start = draw.uniform(first, max(first, end - seconds))
    found = read_excerpt(path, sample_rate, start, min(seconds, end - start))
    return np.resize(found, round(seconds * sample_rate))
