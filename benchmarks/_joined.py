"""Long recordings with known answers: utterances joined without a pause, or spoken by espeak-ng."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audio_rnn.audio import read_audio
from audio_rnn.data.manifest import read_manifest
from recipes.speech_recognition import phrases
from recipes.speech_recognition.espeak import Synthesiser, Voice
from recipes.speech_recognition.prepare_default import LANGUAGES, PITCHES, RATES, VARIANTS

RATE = 16000
WORD_EVENT = 1  # of espeak-ng's speak_lib.h


@dataclass(frozen=True, eq=False)
class Clip:
    """Sound (samples,) at RATE and its text."""

    waveform: np.ndarray
    text: str


@dataclass(frozen=True)
class Stretch:
    """What is said from `start` to `end` seconds."""

    text: str
    start: float
    end: float


def read_clips(manifest: Path) -> list[Clip]:
    """The utterances of a manifest, one for each text."""
    first = {utterance.text: utterance for utterance in reversed(read_manifest(manifest))}
    return [
        Clip(read_audio(manifest.parent / utterance.source, RATE), str(text))
        for text, utterance in first.items()
    ]


def join(path: Path, clips: Sequence[Clip], seconds: float, seed: int) -> list[Stretch]:
    """Write clips in a new order again and again, one after the other, until it is long enough."""
    random_ = random.Random(seed)
    stretches: list[Stretch] = []
    done = 0
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        while done < seconds * RATE:
            for clip in random_.sample(clips, len(clips)):
                if done < seconds * RATE:
                    file.write(clip.waveform)
                    start, done = done, done + len(clip.waveform)
                    stretches.append(Stretch(clip.text, start / RATE, done / RATE))
    return stretches


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class TimedSynthesiser(Synthesiser):
    """Notes the sample with which each word begins."""

    def __init__(self) -> None:
        super().__init__()
        self.samples: list[int] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        self._timed = kind(self._note)
        self._library.espeak_SetSynthCallback(self._timed)

    def _note(
        self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
    ) -> int:
        i = 0
        while events and events[i].type:
            if events[i].type == WORD_EVENT:
                self.samples.append(events[i].sample)
            i += 1
        return self._receive(samples, count, 0)


def spoken_words(path: Path, count: int, seed: int) -> tuple[list[str], list[Stretch]]:
    """Write sentences of the embedded corpus in its test voices: their texts, and every word."""
    random_ = random.Random(seed)
    synthesiser = TimedSynthesiser()
    texts: list[str] = []
    words: list[Stretch] = []
    waveforms: list[np.ndarray] = []
    done = 0.0
    for text in phrases.draw("test", count, seed + 1):
        voice = Voice(
            random_.choice(LANGUAGES),
            random_.choice(VARIANTS["test"]),
            random_.randint(*RATES),
            random_.randint(*PITCHES),
        )
        synthesiser.samples.clear()
        waveform = synthesiser.speak(text, voice)
        seconds = len(waveform) / synthesiser.sample_rate
        begins = [sample / synthesiser.sample_rate for sample in synthesiser.samples]
        if len(begins) == len(text.split()):  # some voices speak two words as one
            texts.append(text)
            ends = [*begins[1:], seconds]
            words += [
                Stretch(word, done + a, done + b) for word, a, b in zip(text.split(), begins, ends)
            ]
            waveforms.append(waveform)
            done += seconds
    sound = soxr.resample(np.concatenate(waveforms), synthesiser.sample_rate, RATE)
    noise = np.random.default_rng(seed).normal(0, 10 ** (-50 / 20), len(sound))
    soundfile.write(path, 0.5 * sound / np.abs(sound).max() + noise, RATE)
    return texts, words
