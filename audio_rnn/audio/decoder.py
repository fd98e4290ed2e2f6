"""An audio file past its checks, decoded block by block."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile

from audio_rnn.audio.integrity import (
    check_finite,
    check_ogg,
    check_sphere,
    means_unknown,
    truncated,
)
from audio_rnn.audio.source import Source, open_bytes, source_name
from audio_rnn.errors import AudioError

RATES = range(100, 1_000_001)  # Hz; anything else is a broken header
SPOOL_BYTES = 1 << 24  # a pipe longer than this is spooled on disk
UNKNOWN_FRAMES = 1 << 62  # libsndfile reports more than this for a FLAC that was written to a pipe
MPEG_SLACK = 2 * 1152  # frames an encoder may count at the end of an MP3 that decoders do not give
CHUNK_SIZES = re.compile(r"(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)")


class Decoder(soundfile.SoundFile):
    """Reads forward only: soundfile would seek after every block, and fail at the end of a FLAC
    that was written to a pipe."""

    def seekable(self) -> bool:
        return False


@contextmanager
def open_audio(source: Source) -> Iterator[Decoder]:
    """A decoder past its checks; a pipe is spooled first, since libsndfile seeks in headers.

    Raises: AudioError.
    """
    name = source_name(source)
    with ExitStack() as stack:
        if isinstance(source, str | Path):
            stream = stack.enter_context(open_bytes(source))
        else:
            stream = source
        if not stream.seekable():
            spool = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
            shutil.copyfileobj(stream, spool)
            stream = cast(BinaryIO, spool)
        stream.seek(0)
        if not stream.read(1):
            raise AudioError(f"{name}: found an empty file, expected audio; copy it again")
        check_ogg(stream, name)
        check_sphere(stream, name)
        stream.seek(0)
        decoder = stack.enter_context(_decode(stream, name))
        _check_header(decoder, name)
        yield decoder


def _decode(stream: BinaryIO, name: str) -> Decoder:
    try:
        return Decoder(stream)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless .raw
        raise AudioError(
            f"{name}: found no audio format that is known, or damage at its start; "
            "expected wav, flac, ogg, opus, mp3 or aiff: convert it, such as with ffmpeg -i FILE "
            "NEW.flac, or copy it again"
        ) from error


def _check_header(decoder: Decoder, name: str) -> None:
    if decoder.samplerate not in RATES:
        raise AudioError(
            f"{name}: found a sample rate of {decoder.samplerate} Hz, "
            f"expected {RATES.start} to {RATES.stop - 1}; its header is wrong, write the file again"
        )
    for promised, found in CHUNK_SIZES.findall(decoder.extra_info):
        if int(promised) > int(found) and not means_unknown(int(promised)):
            raise truncated(name, f"{found} bytes", promised)
    if decoder.frames == 0:
        raise AudioError(f"{name}: found no samples, expected at least one; copy it again")


def checked_blocks(decoder: Decoder, name: str, seconds: float) -> Iterator[np.ndarray]:
    """(frames, channels) float32 blocks, finite, as many frames as promised. Raises: AudioError."""
    size = max(1, round(seconds * decoder.samplerate))
    done = 0
    while len(block := _read(decoder, name, size, done)):
        check_finite(block, name, done, decoder.samplerate)
        done += len(block)
        yield block
    slack = MPEG_SLACK if decoder.format == "MP3" else 0
    if done < decoder.frames - slack and decoder.frames < UNKNOWN_FRAMES:
        raise truncated(name, f"{done} frames", decoder.frames)


def _read(decoder: Decoder, name: str, size: int, done: int) -> np.ndarray:
    try:
        return decoder.read(size, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        found = error.error_string or "no valid frame"
        raise AudioError(
            f"{name}: damaged or truncated: found {found} after {done / decoder.samplerate:.1f} s, "
            f"expected {decoder.frames} frames; copy it again"
        ) from error


def check_length(decoder: Decoder, name: str, sample_rate: int) -> None:
    """Raises AudioError for a sound of which nothing is left at `sample_rate` Hz."""
    if round(decoder.frames * sample_rate / decoder.samplerate) == 0:
        raise AudioError(
            f"{name}: found {decoder.frames} samples at {decoder.samplerate} Hz, expected "
            f"at least one at {sample_rate} Hz; leave the file out"
        )
