"""Soundscapes: events mixed over background noise, so that their onsets and offsets are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_rnn.audio import write_audio
from audio_rnn.config import require
from audio_rnn.data.manifest import Utterance
from audio_rnn.events import Event
from recipes.audio_tagging.sounding import GAP_SECONDS, SHORTEST, Waveform, audible
from recipes.noise import coloured

ATTEMPTS = 30  # at placing an event, before it is left out for want of room
SLOPES = (0.0, 2.0)  # of background noise, from white to brown
PEAK_DB = (-12.0, -1.0)
UNTOLD = ""  # label of a sound that is mixed in and is no event

Draw = np.random.Generator
DrawEvent = Callable[[Draw], tuple[str, Waveform]]  # label and sound
DrawBackground = Callable[[int, Draw], Waveform]  # (samples,), at any level


@dataclass(frozen=True)
class SceneConfig:
    """How soundscapes are mixed."""

    seconds: float = 10.0
    """Length of a soundscape."""
    events: tuple[int, int] = (0, 7)
    """Events in a soundscape: fewest and most."""
    event_seconds: tuple[float, float] = (0.25, 4.0)
    """Shortest and longest event."""
    polyphony: int = 2
    """Events at the same time, at most; those of one class are never."""
    snr: tuple[float, float] = (6.0, 24.0)
    """Softest and loudest event over the background, in dB."""
    sample_rate: int = 16000
    """In Hz."""

    def __post_init__(self) -> None:
        low, high = self.event_seconds
        require(self.sample_rate >= 4000, "--sample-rate", self.sample_rate, "4000 Hz or more")
        require(self.polyphony >= 1, "--polyphony", self.polyphony, "1 or more")
        require(0 <= self.events[0] <= self.events[1] > 0, "--events", self.events, "fewest, most")
        require(self.snr[0] <= self.snr[1], "--snr", self.snr, "softest, loudest")
        expected = f"{SHORTEST} or more, then that or more, up to the soundscape's {self.seconds} s"
        require(
            SHORTEST <= low <= high <= self.seconds, "--event-seconds", self.event_seconds, expected
        )


def length(config: SceneConfig, draw: Draw) -> float:
    """Seconds of an event; short ones are as frequent as long ones."""
    return float(np.exp(draw.uniform(*np.log(config.event_seconds))))


def make_scene(
    config: SceneConfig,
    output: Path,
    split: str,
    number: int,
    seed: int,
    draw_event: DrawEvent,
    draw_background: DrawBackground,
) -> Utterance:
    """Mix and write a soundscape; the same arguments give the same one."""
    name = f"{split}-{number:05}"
    draw = np.random.default_rng([seed, *name.encode()])
    waveform, events = mix(config, draw_event, draw_background, draw)
    path = output / "audio" / f"{name}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, waveform, config.sample_rate)
    seconds = round(len(waveform) / config.sample_rate, 4)
    audio = path.relative_to(output).as_posix()
    return Utterance(name, seconds, audio=audio, events=tuple(events), split=split)


def mix(
    config: SceneConfig, draw_event: DrawEvent, draw_background: DrawBackground, draw: Draw
) -> tuple[Waveform, list[Event]]:
    """A soundscape (samples,), and what is heard in it."""
    scene = draw_background(round(config.seconds * config.sample_rate), draw).astype(np.float64)
    scene /= _level(scene, config.sample_rate) + 1e-12
    events: list[Event] = []
    for _ in range(draw.integers(config.events[0], config.events[1] + 1)):
        label, sound = draw_event(draw)
        first = place(config, events, label, len(sound), draw)
        if first is None:
            continue
        gain = 10 ** (draw.uniform(*config.snr) / 20) / (_level(sound, config.sample_rate) + 1e-12)
        scene[first : first + len(sound)] += gain * sound
        times = (first / config.sample_rate, (first + len(sound)) / config.sample_rate)
        events.append(Event(round(times[0], 4), round(times[1], 4), label))
    scene *= 10 ** (draw.uniform(*PEAK_DB) / 20) / (np.abs(scene).max() + 1e-12)
    return scene.astype(np.float32), sorted(e for e in events if e.label != UNTOLD)


def place(
    config: SceneConfig, events: Sequence[Event], label: str, samples: int, draw: Draw
) -> int | None:
    """First sample of an event where there is room for it; None where none was found."""
    room = round(config.seconds * config.sample_rate) - samples
    for _ in range(ATTEMPTS if room >= 0 else 0):
        first = int(draw.integers(room + 1))
        onset, offset = first / config.sample_rate, (first + samples) / config.sample_rate
        if _fits(events, Event(onset, offset, label), config.polyphony):
            return first
    return None


def background(samples: int, draw: Draw) -> Waveform:
    """Noise of a random colour that swells and fades slowly."""
    noise = coloured(samples, draw.uniform(*SLOPES), draw)
    swell = np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, 5), draw.uniform(0.6, 1, 5))
    return (noise / noise.std() * swell).astype(np.float32)


def _fits(events: Sequence[Event], new: Event, polyphony: int) -> bool:
    near = [
        e
        for e in events
        if e.onset < new.offset + GAP_SECONDS and e.offset > new.onset - GAP_SECONDS
    ]
    if any(e.label == new.label for e in near):
        return False
    starts = [max(e.onset, new.onset) for e in near if e.onset < new.offset]
    return all(sum(e.onset <= t < e.offset for e in near) < polyphony for t in starts)


def _level(waveform: np.ndarray, sample_rate: int) -> float:
    """Root of the mean audible power."""
    return float(np.sqrt(np.mean(np.square(audible(waveform, sample_rate), dtype=np.float64))))
