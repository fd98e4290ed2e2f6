"""Small tasks like those that people bring: folders with train and test, a folder a class in each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.signal import butter, chirp, iirpeak, lfilter, sosfilt

from audio_rnn.audio import read_audio, resample
from audio_rnn.inference.synthesizer import SAMPLE_RATE, render
from audio_rnn.midi.files import read_midi
from recipes.audio_tagging.synthesis import RATE, Draw, Samples, synthesise
from recipes.noise import coloured

TRAIN, TEST = 20, 12  # clips a class


class Clip(NamedTuple):
    """Sound for one file."""

    label: str
    split: str
    waveform: Samples
    sample_rate: int = RATE
    suffix: str = ".flac"


Task = Callable[[Path, Draw], Iterator[Clip]]  # from the folder of corpora


def digits(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Three spoken digits; the test voices are others."""
    people = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    for digit, (number, speaker) in product((3, 7, 8), enumerate(people)):
        split, count = ("train", 5) if number < 4 else ("test", 8)
        for take in range(10, 10 + count):
            path = corpora / f"fsdd/recordings/{digit}_{speaker}_{take}.flac"
            yield Clip(f"digit {digit}", split, read_audio(path, 8000), 8000)


def speakers(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Six voices that say any digit, once a clip."""
    for number, speaker in enumerate(("george", "jackson", "lucas", "nicolas", "theo", "yweweler")):
        for take in range(TRAIN + TEST):
            name = f"{(take + number) % 10}_{speaker}_{5 + take}.flac"
            sound = read_audio(corpora / "fsdd/recordings" / name, 8000)
            yield Clip(speaker, "train" if take < TRAIN else "test", sound, 8000)


def instruments(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Six timbres at any pitch, over soft noise."""
    for label, split in _each(TIMBRES):
        sound = TIMBRES[label](
            round(draw.uniform(0.8, 3) * RATE), 110 * 2 ** draw.uniform(0, 3), draw
        )
        yield Clip(label, split, _in_noise(sound, draw.uniform(10, 30), draw))


def machines(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """A hum, with or without a rattle that is softer than it."""
    for label, split in _each(("healthy", "rattling")):
        hum = _partials(5 * RATE, draw.uniform(48, 62), 1.0, 8, draw)
        clicks = draw.standard_normal(5 * RATE) * (
            draw.uniform(size=5 * RATE) < draw.uniform(10, 25) / RATE
        )
        rattle = lfilter(*iirpeak(draw.uniform(2000, 4000), 6, fs=RATE), clicks)
        share = 0.3 * (label == "rattling")
        yield Clip(
            label, split, _in_noise(hum / hum.std() + share * rattle / rattle.std(), 12, draw)
        )


def hidden_hits(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """A short hit of one of three kinds, or none, anywhere in ten seconds of noise."""
    for label, split in _each((*HITS, "nothing")):
        noise = coloured(10 * RATE, draw.uniform(0, 1.5), draw)
        scene = noise / noise.std()
        if label != "nothing":
            hit = HITS[label](round(0.3 * RATE), draw)
            first = int(draw.integers(len(scene) - len(hit)))
            scene[first : first + len(hit)] += draw.uniform(5, 10) * hit / np.abs(hit).max()
        yield Clip(label, split, scene)


def birds(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Four contours of calls, one to three of them in noise as loud as they."""
    for label, split in _each(CONTOURS):
        scene = np.zeros(4 * RATE)
        for place in range(int(draw.integers(1, 4))):
            call = _call(CONTOURS[label], draw)
            first = round((place * 1.3 + draw.uniform(0, 0.6)) * RATE)
            scene[first : first + len(call)] += call[: len(scene) - first]
        noise = coloured(len(scene), 1.0, draw)
        yield Clip(label, split, scene + draw.uniform(0.5, 1) * noise / noise.std())


def music_speech_noise(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Ten seconds: rendered tunes, people who read (others in the test), noise of any colour."""
    tunes = sorted((corpora / "nottingham/MIDI").glob("*.mid"))
    with (corpora / "librispeech_mini/manifest.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if float(row["seconds"]) > 5]
    voices = sorted({row["speaker"]: row["path"] for row in rows}.values())
    for number, (label, split) in enumerate(_each(("music", "speech", "noise"))):
        if label == "music":
            sound, rate = render(read_midi(tunes[7 * number])), SAMPLE_RATE
        elif label == "speech":
            sound, rate = read_audio(corpora / "librispeech_mini" / voices[number], RATE), RATE
        else:
            sound, rate = coloured(10 * RATE, draw.uniform(0, 2), draw), RATE
        yield Clip(label, split, sound[: 10 * rate], rate)


def esc10(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Dog, rain and clock of ESC-10: folds 1 to 3 train, 4 and 5 test."""
    with (corpora / "esc10/esc10.csv").open() as file:
        for row in csv.DictReader(file):
            if row["category"] in ("dog", "rain", "clock_tick"):
                path = (corpora / "esc10/audio" / row["filename"]).with_suffix(".flac")
                split = "train" if int(row["fold"]) < 4 else "test"
                yield Clip(row["category"], split, read_audio(path, RATE))


def any_files(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Stereo mp3 and ogg of 44.1 kHz, 0.1 s to two minutes, at any level."""
    for label, split in _each(("alarm", "bird", "engine", "rain")):
        seconds = np.exp(draw.uniform(*np.log((0.1, 120))))
        sound = resample(synthesise(label, min(seconds, 10), draw), RATE, 44100)
        sound = np.resize(sound, round(seconds * 44100))
        level = 10 ** (draw.uniform(-50, -1) / 20)
        stereo = sound[:, None] * draw.uniform(0.3, 1, 2) * level
        yield Clip(label, split, stereo, 44100, str(draw.choice([".mp3", ".ogg"])))


def unbalanced(corpora: Path, draw: Draw) -> Iterator[Clip]:
    """Three digits in voices that are known, of which 60, 10 and 5 clips train."""
    for digit, count in ((0, 60), (4, 10), (9, 5)):
        for number in range(count + TEST):
            speaker = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")[number % 6]
            path = corpora / f"fsdd/recordings/{digit}_{speaker}_{10 + number // 6}.flac"
            split = "train" if number < count else "test"
            yield Clip(f"digit {digit}", split, read_audio(path, 8000), 8000)


TASKS: Mapping[str, Task] = {
    task.__name__: task
    for task in (digits, speakers, instruments, machines, hidden_hits, birds, music_speech_noise,
                 esc10, any_files, unbalanced)
}  # fmt: skip


def _each(labels: Mapping[str, object] | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Label and split of every clip."""
    for split, count in (("train", TRAIN), ("test", TEST)):
        for label in labels:
            yield from [(label, split)] * count


def _in_noise(sound: Samples, snr_db: float, draw: Draw) -> Samples:
    noise = coloured(len(sound), draw.uniform(0, 2), draw)
    return sound / sound.std() + 10 ** (-snr_db / 20) * noise / noise.std()


def _partials(
    samples: int, pitch: float, slope: float, count: int, draw: Draw, step: int = 1
) -> Samples:
    times = np.arange(samples) / RATE
    numbers = [n for n in range(1, count * step, step) if n * pitch < RATE / 2]
    phases = draw.uniform(0, 2 * np.pi, len(numbers))
    return np.sum(
        [np.sin(2 * np.pi * n * pitch * times + p) / n**slope for n, p in zip(numbers, phases)], 0
    )


def _plucked(samples: int, pitch: float, draw: Draw) -> Samples:
    period = round(RATE / pitch)
    burst = np.zeros(samples)
    burst[:period] = draw.standard_normal(period)
    comb = np.zeros(period + 2)
    comb[0], comb[period], comb[period + 1] = 1, -0.498, -0.498
    return lfilter([1.0], comb, burst)


def _struck(samples: int, pitch: float, draw: Draw) -> Samples:
    times = np.arange(samples) / RATE
    ratios = [r for r in (1, 2.76, 5.4, 8.93) if r * pitch < RATE / 2]
    return np.sum(
        [np.exp(-times * 4 * r) * np.sin(2 * np.pi * r * pitch * times) for r in ratios], 0
    )


def _swelling(samples: int, sound: Samples) -> Samples:
    return sound * np.minimum(
        1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.08 * RATE)
    )


def _blown(samples: int, pitch: float, draw: Draw) -> Samples:
    breath = sosfilt(
        butter(2, [pitch, min(4 * pitch, 7000)], "bandpass", fs=RATE, output="sos"),
        draw.standard_normal(samples),
    )
    return _swelling(samples, _partials(samples, pitch, 2.2, 5, draw) + 0.25 * breath)


def _reed(samples: int, pitch: float, draw: Draw) -> Samples:
    return _swelling(samples, _partials(samples, pitch, 0.9, 10, draw, step=2))


def _bowed(samples: int, pitch: float, draw: Draw) -> Samples:
    waver = 1 + 0.3 * np.sin(2 * np.pi * 6 * np.arange(samples) / RATE + draw.uniform(0, 6))
    return _swelling(samples, waver * _partials(samples, pitch, 1.0, 16, draw))


def _organ(samples: int, pitch: float, draw: Draw) -> Samples:
    pipes = [_partials(samples, pitch * n, 3.0, 2, draw) for n in (1, 2, 4)]
    return _swelling(samples, np.sum(pipes, 0))


TIMBRES: Mapping[str, Callable[[int, float, Draw], Samples]] = {
    "plucked": _plucked, "struck": _struck, "blown": _blown, "reed": _reed, "bowed": _bowed,
    "organ": _organ,
}  # fmt: skip


def _thump(samples: int, draw: Draw) -> Samples:
    times = np.arange(samples) / RATE
    return np.exp(-times * 15) * chirp(times, draw.uniform(150, 250), 0.3, 50)


def _clap(samples: int, draw: Draw) -> Samples:
    times = np.arange(samples) / RATE
    band = butter(2, [800, 3000], "bandpass", fs=RATE, output="sos")
    return np.exp(-times * 20) * sosfilt(band, draw.standard_normal(samples))


def _ping(samples: int, draw: Draw) -> Samples:
    return _struck(samples, draw.uniform(900, 1600), draw)


HITS: Mapping[str, Callable[[int, Draw], Samples]] = {"thump": _thump, "clap": _clap, "ping": _ping}

CONTOURS: Mapping[str, tuple[float, ...]] = {  # of pitch, over a call
    "rising": (0.8, 1.25), "falling": (1.25, 0.8), "arched": (0.8, 1.25, 0.8),
    "trilling": (0.9, 1.1) * 5,
}  # fmt: skip


def _call(contour: tuple[float, ...], draw: Draw) -> Samples:
    samples = round(draw.uniform(0.25, 0.5) * RATE)
    pitch = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, len(contour)), contour)
    phase = 2 * np.pi * np.cumsum(draw.uniform(2500, 4500) * pitch) / RATE
    return np.sqrt(2) * np.sin(phase) * np.hanning(samples) ** 0.3
