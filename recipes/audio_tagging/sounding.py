"""Where a recording sounds: what is cut from there begins and ends with its sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

FRAME_SECONDS = 0.01
HIGH_PASS = 500.0  # Hz, first order: about how the ear hears less of low frequencies
FLOOR_DB = 20.0  # below the loudest frame: what is softer does not count as sounding
LOUD_DB = 12.0  # of a part below the loudest one: softer parts may be something else
GAP_SECONDS = 0.5  # a longer pause parts two events
SHORTEST = 0.25  # seconds; a click is heard with the decay behind it
FADE_SECONDS = 0.01

Waveform = NDArray[np.float32]  # (samples,)
Region = tuple[int, int]  # first sample, and the one behind the last


def regions(
    waveform: Waveform, sample_rate: int, shortest_seconds: float = SHORTEST
) -> list[Region]:
    """Parts of a recording that sound, without the pauses between; none of silence.

    A shorter one is prolonged to `shortest_seconds`, or left out where the recording ends before.
    """
    size = round(FRAME_SECONDS * sample_rate)
    levels = _levels(audible(waveform, sample_rate), size)
    frames = _sounding(levels)
    if not len(frames):
        return []
    breaks = np.flatnonzero(np.diff(frames) > GAP_SECONDS / FRAME_SECONDS) + 1
    parts = [part for part in np.split(frames, breaks) if _loud(levels[part], levels)]
    shortest = round(shortest_seconds * sample_rate)
    ends = [max((part[-1] + 1) * size, part[0] * size + shortest) for part in parts]
    return [
        (int(part[0] * size), int(min(end, len(waveform))))
        for part, end in zip(parts, ends)
        if min(end, len(waveform)) - part[0] * size >= shortest
    ]


def cut(
    waveform: Waveform, region: Region, seconds: float, sample_rate: int, draw: np.random.Generator
) -> Waveform:
    """A random part of a region, of about `seconds`, that sounds at both ends; faded there."""
    first, end = region
    size, shortest = round(FRAME_SECONDS * sample_rate), round(SHORTEST * sample_rate)
    frames = _sounding(_levels(audible(waveform[first:end], sample_rate), size)) * size
    room = max(0, end - first - max(shortest, round(seconds * sample_rate)))
    start = int(draw.choice(frames[frames <= max(room, frames[0])]))
    within = frames[(frames >= start) & (frames < start + seconds * sample_rate)]
    last = max(int(within[-1]) + size, start + shortest)
    return faded(waveform[first + start : first + last], sample_rate)


def faded(waveform: Waveform, sample_rate: int) -> Waveform:
    """The waveform with a short fade at both ends, so that none clicks."""
    size = min(round(FADE_SECONDS * sample_rate), len(waveform) // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, size, endpoint=False)) ** 2
    gain = np.ones(len(waveform))
    gain[:size], gain[len(waveform) - size :] = ramp, ramp[::-1]
    return (waveform * gain).astype(np.float32)


def audible(waveform: Waveform, sample_rate: int) -> Waveform:
    """The waveform with low frequencies weakened: rumble is much power and little sound."""
    numerator, denominator = butter(1, HIGH_PASS, "highpass", fs=sample_rate)
    filtered: Waveform = lfilter(numerator, denominator, waveform).astype(np.float32)
    return filtered


def _sounding(levels: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of frames that are not far below the loudest one."""
    return np.flatnonzero(levels > levels.max(initial=-np.inf) - FLOOR_DB)


def _levels(waveform: Waveform, size: int) -> NDArray[np.float64]:
    """Level of each whole frame of `size` samples, in dB; digital silence is -inf."""
    frames = waveform[: len(waveform) // size * size].reshape(-1, size).astype(np.float64)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.mean(frames**2, axis=1))


def _loud(part: NDArray[np.float64], levels: NDArray[np.float64]) -> bool:
    return bool(part.max() > levels.max() - LOUD_DB)
