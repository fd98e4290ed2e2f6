"""espeak-ng in process: the library and voices of the espeakng-loader wheel, through ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache

import numpy as np

from audio_rnn.errors import InputError

# From espeak-ng's speak_lib.h
SYNCHRONOUS = 2  # espeak_Synth returns when the callback has got every block
RATE, PITCH = 1, 3
CHARACTER, UTF8 = 1, 1

Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True)
class Voice:
    """Who speaks, and how."""

    language: str  # "en-us"
    variant: str  # "m3", "f1"
    rate: int = 175  # words a minute, 80 to 450
    pitch: int = 50  # 0 to 99, 50 as the variant has it

    @property
    def name(self) -> str:
        return f"{self.language}+{self.variant}"


class Synthesiser:
    """Text -> waveform. The library holds one state a process, so make one of these in each.

    In a new process the same calls after the same seed give the same samples.
    """

    def __init__(self, seed: int = 0) -> None:
        self._library, self.sample_rate = _library()
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))  # of the breath in some voices
        self._blocks: list[bytes] = []
        self._callback = Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: Voice) -> np.ndarray:
        """Waveform (samples,) float32 in [-1, 1] at `sample_rate`. Raises: InputError."""
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise InputError(f"voice {voice.name!r} is unknown to espeak-ng")
        for parameter, value in ((RATE, voice.rate), (PITCH, voice.pitch)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._blocks.clear()
        words = text.encode()
        self._library.espeak_Synth(words, len(words) + 1, 0, CHARACTER, 0, UTF8, None, None)
        if not self._blocks:
            raise InputError(f"espeak-ng gave no sound for {text!r} in the voice {voice.name!r}")
        return np.frombuffer(b"".join(self._blocks), np.int16).astype(np.float32) / 32768

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int) -> int:
        if samples and count > 0:
            self._blocks.append(ctypes.string_at(samples, 2 * count))
        return 0  # go on


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, started, and its sample rate."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise InputError(
            "the wheel espeakng-loader is missing, expected it for spoken sentences; "
            "pip install audio-rnn[speech]"
        ) from error
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
        ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    data = espeakng_loader.get_data_path()
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), 0)
    if rate <= 0:
        raise InputError(f"{data}: espeak-ng cannot start with this data folder (status {rate})")
    return library, rate
