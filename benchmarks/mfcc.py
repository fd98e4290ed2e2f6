"""MFCC of one hour of audio on one thread, against torchaudio and librosa on the same hour.

    python -m benchmarks.mfcc
    python -m benchmarks.mfcc --seconds 600 --rounds 3

Every round runs all four sides, so that a busy machine is unfair to none; the values are compared
before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import librosa
import numpy as np
import torch
import torchaudio
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from audio_rnn.config import from_command_line
from audio_rnn.features import FeatureConfig, Features

RATE, FFT, HOP, MELS, CEPSTRA = 16000, 400, 160, 40, 13
TOP_DB = 80.0
TOLERANCE = 0.02  # of values in the hundreds
READ_SECONDS = 20  # of audio in a block from a file

Side = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Arguments:
    """What to time."""

    seconds: int = 3600  # of audio
    rounds: int = 5  # each runs every side once


def main() -> None:
    """Check that the values are equal, then print times and ratios."""
    arguments = from_command_line(Arguments, "MFCC on one thread, against torchaudio and librosa.")
    torch.set_num_threads(1)
    with threadpool_limits(1):
        compare(_signal(arguments.seconds), arguments.rounds)


def compare(signal: np.ndarray, rounds: int) -> None:
    """Time both peers and ours, in their dialect, in turn."""
    sides: dict[str, Side] = {
        "torchaudio": partial(_torchaudio, signal),
        "ours, torchaudio dialect": partial(_ours, _features("torchaudio"), signal),
        "librosa": partial(_librosa, signal),
        "ours, librosa dialect": partial(_ours, _features("librosa"), signal),
    }
    _check_equal(sides)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            times[name].append(time.perf_counter() - start)
    _report(times, len(signal) / RATE)


def _report(times: dict[str, list[float]], seconds: float) -> None:
    for name, own in times.items():
        speed = seconds / median(own)
        print(f"{name:26} {median(own):7.3f} s {speed:8.0f} × real time", _spread(own, "s"))
    for peer in ("torchaudio", "librosa"):
        ratios = [a / b for a, b in zip(times[peer], times[f"ours, {peer} dialect"])]
        print(f"ours is {median(ratios):.1f} times as fast as {peer}", _spread(ratios, "times"))


def _spread(values: list[float], unit: str) -> str:
    return f"({min(values):.2f} to {max(values):.2f} {unit} in {len(values)} rounds)"


def _check_equal(sides: dict[str, Side]) -> None:
    for peer in ("torchaudio", "librosa"):
        theirs, ours = sides[peer](), sides[f"ours, {peer} dialect"]()
        assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
        difference = float(np.abs(theirs - ours).max())
        print(f"largest difference from {peer}: {difference:.2g}, of {np.abs(theirs).max():.0f}")
        if not difference < TOLERANCE:
            raise SystemExit(f"values differ from {peer}'s; the times would mean nothing")


def _features(dialect: str) -> Features:
    return Features(
        FeatureConfig(
            dialect=dialect,  # type: ignore[arg-type]
            sample_rate=RATE,
            window_ms=1000 * FFT / RATE,
            hop_ms=1000 * HOP / RATE,
            n_mels=MELS,
            n_mfcc=CEPSTRA,
            f_min=0.0,
            top_db=TOP_DB,
        )
    )


def _ours(features: Features, signal: np.ndarray) -> np.ndarray:
    size = READ_SECONDS * RATE
    blocks = (signal[start : start + size] for start in range(0, len(signal), size))
    return features.static_blocks(blocks).numpy()


@torch.no_grad()
def _torchaudio(signal: np.ndarray) -> np.ndarray:
    spectrogram = {"n_fft": FFT, "hop_length": HOP, "n_mels": MELS}
    transform = torchaudio.transforms.MFCC(RATE, CEPSTRA, melkwargs=spectrogram)
    return transform(torch.from_numpy(signal)).T.numpy()


def _librosa(signal: np.ndarray) -> np.ndarray:
    return librosa.feature.mfcc(
        y=signal, sr=RATE, n_mfcc=CEPSTRA, n_fft=FFT, hop_length=HOP, n_mels=MELS
    ).T


def _signal(seconds: int) -> np.ndarray:
    """Minutes of noise and a gliding tone whose loudness goes from loud to nothing and back."""
    times = np.arange(60 * RATE) / RATE
    tone = np.sin(2 * np.pi * (300 * times + 40 * np.sin(times)))
    noise = np.random.default_rng(0).standard_normal(len(times))
    loudness = np.sin(np.pi * times / 7) ** 6
    minute = (0.3 * loudness * (tone + 0.1 * noise)).astype(np.float32)
    return np.resize(minute, seconds * RATE)


if __name__ == "__main__":
    main()
