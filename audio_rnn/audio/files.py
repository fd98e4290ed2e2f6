"""Audio files <-> waveforms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audio_rnn.audio.decoder import UNKNOWN_FRAMES, check_length, checked_blocks, open_audio
from audio_rnn.audio.integrity import check_channel, check_finite
from audio_rnn.audio.source import EXTENSIONS, Source, source_name
from audio_rnn.audio.waveform import mono, resample_blocks
from audio_rnn.errors import AudioError

CONTAINERS = {
    ".opus": ("OGG", "OPUS"),
    ".oga": ("OGG", "VORBIS"),
    ".aif": ("AIFF", "PCM_16"),
    ".sph": ("NIST", "PCM_16"),
}
BLOCK_SECONDS = 20.0


@dataclass(frozen=True)
class AudioInfo:
    """What a file holds, before any resampling."""

    sample_rate: int  # Hz
    channels: int
    frames: int
    duration: float  # seconds


def audio_info(path: Source) -> AudioInfo:
    """Rate, channels and length of a file. Raises AudioError."""
    with open_audio(path) as decoder:
        frames = decoder.frames
        if frames >= UNKNOWN_FRAMES:
            frames = sum(map(len, checked_blocks(decoder, source_name(path), BLOCK_SECONDS)))
        return AudioInfo(decoder.samplerate, decoder.channels, frames, frames / decoder.samplerate)


def read_audio(path: Source, sample_rate: int, channel: int | None = None) -> np.ndarray:
    """The whole file at `sample_rate` Hz: (samples,) float32.

    Channels are mixed by their mean unless `channel` (from 0) names one.

    Raises: AudioError.
    """
    return np.concatenate(list(read_blocks(path, sample_rate, channel=channel)))


def read_excerpt(path: Source, sample_rate: int, start: float, seconds: float) -> np.ndarray:
    """`seconds` from `start` on, or what there is of them: a part of what `read_audio` gives.

    Raises: AudioError, also when there is nothing.
    """
    first, last = round(start * sample_rate), round((start + seconds) * sample_rate)
    done, parts = 0, []
    for block in read_blocks(path, sample_rate):
        parts.append(block[max(0, first - done) : max(0, last - done)])
        done += len(block)
        if done >= last:
            break
    excerpt = np.concatenate(parts)
    if not len(excerpt):
        raise AudioError(
            f"{source_name(path)}: found {done / sample_rate:.2f} s, expected sound after {start:.2f} s"
        )
    return excerpt


def read_blocks(
    path: Source, sample_rate: int, seconds: float = BLOCK_SECONDS, channel: int | None = None
) -> Iterator[np.ndarray]:
    """The file in blocks of about `seconds`, however long it is; joined they equal `read_audio`.

    Raises: AudioError, after some blocks where damage shows only on the way.
    """
    name = source_name(path)
    with open_audio(path) as decoder:
        check_channel(decoder.channels, name, channel)
        check_length(decoder, name, sample_rate)
        blocks = (mono(block, channel) for block in checked_blocks(decoder, name, seconds))
        yield from resample_blocks(blocks, decoder.samplerate, sample_rate)


def write_audio(path: str | Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Write (samples,); the extension of `path` names the format. Raises AudioError."""
    container, subtype = CONTAINERS.get(Path(path).suffix.lower(), (None, None))
    size = round(BLOCK_SECONDS * sample_rate)
    check_finite(waveform[:, None], str(path), 0, sample_rate)
    try:
        with soundfile.SoundFile(path, "w", sample_rate, 1, subtype, format=container) as file:
            # libsndfile crashes when a very long signal for Vorbis comes in one call
            for start in range(0, len(waveform), size):
                file.write(waveform[start : start + size])
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise AudioError(
            f"{path}: cannot be written at {sample_rate} Hz: {error}; "
            f"expected an existing folder and one of {' '.join(EXTENSIONS)}"
        ) from error
