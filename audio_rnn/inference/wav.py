"""WAV from a stream that cannot be searched: its header, and its bytes as samples."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile

from audio_rnn.audio import RATES, means_unknown
from audio_rnn.config import require
from audio_rnn.errors import AudioError

READ_BYTES = 1 << 16  # at most at once
LARGEST_CHUNK = 1 << 20  # bytes of a header's chunk other than the samples
EXTENSIBLE = 0xFFFE  # the format proper stands 24 bytes into the chunk
SUBTYPES = {
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
    (6, 8): "ALAW",
    (7, 8): "ULAW",
}  # by tag and bits of the "fmt " chunk


@dataclass(frozen=True)
class PcmFormat:
    """What the bytes of a stream are."""

    sample_rate: int  # Hz
    channels: int = 1
    bits: int = 16  # of a sample
    tag: int = 1  # of WAV's formats; 1 is whole numbers

    def __post_init__(self) -> None:
        rates = f"{RATES.start} to {RATES.stop - 1} Hz"
        require(self.sample_rate in RATES, "sample_rate", self.sample_rate, rates)
        require(self.channels > 0, "channels", self.channels, "1 or more")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


def read_header(stream: io.BufferedIOBase, name: str) -> tuple[PcmFormat, int | None]:
    """The format of a WAV, and the bytes of its samples; None when it was begun before they were."""
    head = _exactly(stream, 12, name)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise AudioError(
            f"{name}: found no WAV header, expected RIFF and WAVE; "
            "give --pcm-rate when these are bare 16-bit samples, or make a WAV of another format, such as "
            "by ffmpeg -i FILE -f wav - in a pipe"
        )
    form = None
    while (chunk := _exactly(stream, 8, name))[:4] != b"data":
        size = _size(chunk)
        body = _exactly(stream, size + size % 2, name)
        form = _parse_format(body, name) if chunk[:4] == b"fmt " else form
    if form is None:
        raise AudioError(f"{name}: found samples without a format, expected 'fmt ' before 'data'")
    size = _size(chunk)
    return form, None if size == 0 or means_unknown(size) else size


def _size(chunk: bytes) -> int:
    return int.from_bytes(chunk[4:], "little")


def _parse_format(body: bytes, name: str) -> PcmFormat:
    if len(body) < 16:
        raise AudioError(f"{name}: found a format of {len(body)} bytes, expected 16 or more")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack("<H", body[24:26])[0]
    if (tag, bits) not in SUBTYPES:
        raise AudioError(
            f"{name}: found samples of {bits} bits and format tag {tag}, expected PCM, float, "
            "A-law or mu-law; convert the stream"
        )
    return PcmFormat(rate, channels, bits, tag)


def _exactly(stream: io.BufferedIOBase, size: int, name: str) -> bytes:
    if size > LARGEST_CHUNK:
        raise AudioError(f"{name}: found a header chunk of {size} bytes; its header is damaged")
    data = b"".join(read_pieces(stream, size))
    if len(data) < size:
        raise AudioError(
            f"{name}: found an end inside the header, expected a WAV; is its source running?"
        )
    return data


def read_pieces(stream: io.BufferedIOBase, size: int | None) -> Iterator[bytes]:
    """Bytes as soon as they come, `size` of them or all."""
    done = 0
    while size is None or done < size:
        piece = stream.read1(READ_BYTES if size is None else min(READ_BYTES, size - done))
        if not piece:
            return
        done += len(piece)
        yield piece


def to_samples(data: bytes, form: PcmFormat) -> np.ndarray:
    """Whole frames of bytes -> (frames, channels) float32."""
    samples, _ = soundfile.read(
        io.BytesIO(data),
        dtype="float32",
        always_2d=True,
        samplerate=form.sample_rate,
        channels=form.channels,
        format="RAW",
        subtype=SUBTYPES[form.tag, form.bits],
        endian="LITTLE",
    )
    return samples
