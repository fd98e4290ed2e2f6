"""A microphone as blocks of samples."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from audio_rnn.errors import AudioError, ConfigError

BLOCK_SECONDS = 0.05

log = logging.getLogger(__name__)


def read_microphone(sample_rate: int) -> Iterator[np.ndarray]:
    """The system's default input for ever: blocks (samples,) float32 at `sample_rate` Hz.

    Raises: ConfigError when a part is not installed, AudioError when there is no microphone.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise ConfigError(
            "microphone: found no package sounddevice; pip install 'audio-rnn[microphone]'"
        ) from error
    except OSError as error:  # the package is there, the library below it is not
        raise ConfigError(f"microphone: {error}; install PortAudio (libportaudio2)") from error
    size = round(BLOCK_SECONDS * sample_rate)
    try:
        with sounddevice.InputStream(sample_rate, size, channels=1, dtype="float32") as device:
            while True:
                block, lost = device.read(size)
                if lost:
                    log.warning("microphone: sound was lost, computing is too slow")
                yield block[:, 0].copy()
    except sounddevice.PortAudioError as error:
        raise AudioError(f"microphone: {error}; is one connected and allowed?") from error
