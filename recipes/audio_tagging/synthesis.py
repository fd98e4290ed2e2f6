"""Sounds of eight kinds, made from tones, pulses and noise with parameters drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, iirpeak, lfilter, sosfilt

from recipes.audio_tagging.sounding import Waveform
from recipes.noise import coloured

RATE = 16000  # Hz
HIGHEST = 7500.0  # Hz; partials above are left out

Draw = np.random.Generator
Samples = NDArray[np.float64]  # (samples,)


def siren(samples: int, draw: Draw) -> Samples:
    """A tone that goes up and down, with harmonics."""
    low, high = draw.uniform(400, 700), draw.uniform(1000, 1700)
    phase = 2 * np.pi * (draw.uniform(0.4, 2.5) * _times(samples) + draw.uniform())
    return _harmonics(low + (high - low) * (0.5 + 0.5 * np.sin(phase)), draw.uniform(1.0, 2.0))


def bell(samples: int, draw: Draw) -> Samples:
    """Strokes on a bell: partials out of tune with each other that die away, high ones sooner."""
    pitch, decay = draw.uniform(350, 1100), draw.uniform(0.25, 1.0)
    ratios = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.7, 3.0, 4.1]) * draw.uniform(0.99, 1.01, 8)
    times = _times(samples)
    stroke = np.zeros(samples)
    for ratio in ratios[ratios * pitch < HIGHEST]:
        fall = np.exp(-times * ratio**0.7 / decay)
        stroke += draw.uniform(0.3, 1) * fall * np.sin(2 * np.pi * ratio * pitch * times)
    return _repeated(stroke, draw.uniform(0.45, 0.9), draw)


def bird(samples: int, draw: Draw) -> Samples:
    """Quick whistles that glide up or down."""
    size = round(draw.uniform(0.05, 0.15) * RATE)
    start, glide = draw.uniform(3000, 4500), draw.uniform(1.2, 1.6) ** draw.choice([-1, 1])
    whistle = np.sin(_phase(np.geomspace(start, start * glide, size))) * np.hanning(size)
    return _repeated(_padded(whistle, samples), draw.uniform(0.08, 0.25) + size / RATE, draw)


def engine(samples: int, draw: Draw) -> Samples:
    """A low hum of many harmonics whose speed wavers, with rough noise."""
    waver = 1 + 0.1 * np.sin(
        2 * np.pi * (draw.uniform(0.1, 0.6) * _times(samples) + draw.uniform())
    )
    firing = _harmonics(draw.uniform(45, 110) * waver, 0.7)
    rough = coloured(samples, 1.0, draw)
    return firing / firing.std() + draw.uniform(0.1, 0.4) * rough / rough.std()


def rain(samples: int, draw: Draw) -> Samples:
    """High noise, and drops that fall at random."""
    band = butter(2, draw.uniform(1000, 2500), "highpass", fs=RATE, output="sos")
    drops = draw.standard_normal(samples) * (draw.uniform(size=samples) < draw.uniform(1, 8) / 1000)
    return sosfilt(band, draw.standard_normal(samples)) + 6 * _rung(
        drops, draw.uniform(3e3, 6e3), 8
    )


def knocks(samples: int, draw: Draw) -> Samples:
    """Knocks on wood: short, dull, in a row."""
    pulse = np.zeros(samples)
    size = round(0.004 * RATE)
    pulse[:size] = draw.standard_normal(size)
    knock = _rung(pulse, draw.uniform(180, 400), 8) + 0.7 * _rung(
        pulse, draw.uniform(700, 1400), 12
    )
    return _repeated(knock, draw.uniform(0.14, 0.35), draw)


def alarm(samples: int, draw: Draw) -> Samples:
    """Beeps of one pitch, as long as the pauses between them."""
    pitch, period = draw.uniform(900, 3300), draw.uniform(0.12, 0.5)
    beep = _harmonics(np.full(samples, pitch), draw.uniform(1.0, 2.0))
    on = _times(samples) % period < period / 2
    return beep * np.convolve(on, np.hanning(80) / np.hanning(80).sum(), "same")


def bark(samples: int, draw: Draw) -> Samples:
    """Barks: a voice whose pitch falls, through the resonances of a throat, in a row."""
    size = round(draw.uniform(0.12, 0.25) * RATE)
    pitch = draw.uniform(350, 700) * np.linspace(1.2, 0.7, size)
    voice = _harmonics(pitch, 0.3) + 0.5 * draw.standard_normal(size)
    throat = sum(_rung(voice, draw.uniform(low, 1.4 * low), 5) for low in (600, 1300, 2600))
    shaped = throat * np.hanning(2 * size)[size - size // 5 :][:size]
    return _repeated(_padded(shaped, samples), draw.uniform(0.3, 0.6), draw)


KINDS: Mapping[str, Callable[[int, Draw], Samples]] = {
    "alarm": alarm,
    "bark": bark,
    "bell": bell,
    "bird": bird,
    "engine": engine,
    "knocks": knocks,
    "rain": rain,
    "siren": siren,
}


def synthesise(kind: str, seconds: float, draw: Draw) -> Waveform:
    """A sound of a kind: (samples,) with a peak of 1."""
    sound = KINDS[kind](round(seconds * RATE), draw)
    waveform: Waveform = (sound / np.abs(sound).max()).astype(np.float32)
    return waveform


def _times(samples: int) -> Samples:
    return np.arange(samples) / RATE


def _phase(frequency: Samples) -> Samples:
    """Of a tone of this frequency in Hz at every sample."""
    return 2 * np.pi * np.cumsum(frequency) / RATE


def _harmonics(frequency: Samples, slope: float) -> Samples:
    """A tone whose n-th harmonic is n ** slope times softer than the first."""
    phase, count = _phase(frequency), int(HIGHEST / frequency.max())
    total: Samples = sum(np.sin(n * phase) / n**slope for n in range(1, count + 1))
    return total


def _rung(signal: Samples, frequency: float, quality: float) -> Samples:
    """What a resonance gives when it is struck or blown."""
    filtered: Samples = lfilter(*iirpeak(frequency, quality, fs=RATE), signal)
    return filtered


def _padded(signal: Samples, samples: int) -> Samples:
    """The signal cut or followed by silence to `samples`."""
    return np.pad(signal[:samples], (0, max(0, samples - len(signal))))


def _repeated(signal: Samples, period: float, draw: Draw) -> Samples:
    """The signal again about every `period` seconds, never twice as loud."""
    total, start = np.zeros(len(signal)), 0
    while start < len(signal):
        total[start:] += draw.uniform(0.6, 1.0) * signal[: len(signal) - start]
        start += round(period * draw.uniform(0.9, 1.1) * RATE)
    return total
