"""Audio files <-> waveforms: (samples,) float32 in [-1, 1], numpy, one channel, one rate.

A float file may hold samples beyond 1; they are left as they are.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile
import soxr

from audio_rnn.errors import AudioError

Source = str | Path | BinaryIO

EXTENSIONS = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aiff",
    ".aif",
    ".au",
    ".w64",
    ".caf",
    ".sph",
)
# Sound and film to be converted first: what libsndfile does not read, or not in every such file.
OTHER_EXTENSIONS = (
    ".3gp", ".aac", ".ac3", ".aifc", ".amr", ".ape", ".asf", ".avi", ".dts", ".flv", ".m4a",
    ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
    ".ra", ".rm", ".snd", ".spx", ".voc", ".weba", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
CONTAINERS = {
    ".opus": ("OGG", "OPUS"),
    ".oga": ("OGG", "VORBIS"),
    ".aif": ("AIFF", "PCM_16"),
    ".sph": ("NIST", "PCM_16"),
}
RATES = range(100, 1_000_001)  # Hz; anything else is a broken header
BLOCK_SECONDS = 20.0
SPOOL_BYTES = 1 << 24  # a pipe longer than this is spooled on disk
UNKNOWN_FRAMES = 1 << 62  # libsndfile reports more than this for a FLAC that was written to a pipe
MPEG_SLACK = 2 * 1152  # frames an encoder may count at the end of an MP3 that decoders do not give
CHUNK_SIZES = re.compile(r"(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)")

SPHERE_FIELDS = re.compile(rb"(channel_count|sample_n_bytes|sample_count) -i (\d+)")


@dataclass(frozen=True)
class AudioInfo:
    """What a file holds, before any resampling."""

    sample_rate: int  # Hz
    channels: int
    frames: int
    duration: float  # seconds


def audio_info(path: Source) -> AudioInfo:
    """Rate, channels and length of a file. Raises AudioError."""
    with _open(path) as decoder:
        frames = decoder.frames
        if frames >= UNKNOWN_FRAMES:
            frames = sum(map(len, _checked_blocks(decoder, source_name(path), BLOCK_SECONDS)))
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
    with _open(path) as decoder:
        check_channel(decoder.channels, name, channel)
        _check_length(decoder, name, sample_rate)
        blocks = (mono(block, channel) for block in _checked_blocks(decoder, name, seconds))
        yield from resample_blocks(blocks, decoder.samplerate, sample_rate)


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """(samples,) at one rate -> (samples,) float32 at another, by soxr at its high quality."""
    return soxr.resample(waveform.astype(np.float32, copy=False), from_rate, to_rate)


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


class _Decoder(soundfile.SoundFile):
    """Reads forward only: soundfile would seek after every block, and fail at the end of a FLAC
    that was written to a pipe."""

    def seekable(self) -> bool:
        return False


@contextmanager
def _open(source: Source) -> Iterator[_Decoder]:
    """A decoder past its checks; a pipe is spooled first, since libsndfile seeks in headers."""
    name = source_name(source)
    with ExitStack() as stack:
        if isinstance(source, str | Path):
            stream = stack.enter_context(_open_bytes(source))
        else:
            stream = source
        if not stream.seekable():
            spool = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))
            shutil.copyfileobj(stream, spool)
            stream = cast(BinaryIO, spool)
        stream.seek(0)
        if not stream.read(1):
            raise AudioError(f"{name}: found an empty file, expected audio; copy it again")
        _check_ogg(stream, name)
        _check_sphere(stream, name)
        stream.seek(0)
        decoder = stack.enter_context(_decode(stream, name))
        _check_header(decoder, name)
        yield decoder


def source_name(source: Source) -> str:
    """What messages and transcripts call this file or stream; bytes that are no UTF-8 become ?."""
    name = str(source if isinstance(source, str | Path) else getattr(source, "name", "stream"))
    return name.encode(errors="replace").decode()


def _open_bytes(path: str | Path) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except IsADirectoryError as error:
        raise AudioError(f"{path}: found a directory, expected an audio file") from error
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        remedy = "check the name" if missing else "check its permissions"
        raise AudioError(f"{path}: cannot be read: {error.strerror}; {remedy}") from error


def _decode(stream: BinaryIO, name: str) -> _Decoder:
    try:
        return _Decoder(stream)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless .raw
        raise AudioError(
            f"{name}: found no audio format that is known, or damage at its start; "
            "expected wav, flac, ogg, opus, mp3 or aiff: convert it, such as with ffmpeg, or copy it "
            "again"
        ) from error


def _check_header(decoder: _Decoder, name: str) -> None:
    if decoder.samplerate not in RATES:
        raise AudioError(
            f"{name}: found a sample rate of {decoder.samplerate} Hz, "
            f"expected {RATES.start} to {RATES.stop - 1}; its header is wrong, write the file again"
        )
    for promised, found in CHUNK_SIZES.findall(decoder.extra_info):
        if int(promised) > int(found) and not means_unknown(int(promised)):
            raise _truncated(name, f"{found} bytes", promised)
    if decoder.frames == 0:
        raise AudioError(f"{name}: found no samples, expected at least one; copy it again")


def means_unknown(size: int) -> bool:
    """Whether programs write this size into a header because they write to a pipe."""
    return any(limit - 4096 <= size <= limit for limit in (1 << 31, 1 << 32))


def _check_ogg(stream: BinaryIO, name: str) -> None:
    """libsndfile takes a cut Ogg file as a shorter one; the sizes in its last page tell."""
    tail = _tail(stream, 1 << 16)  # a page is shorter than this
    start = tail.rfind(b"OggS")
    stream.seek(0)
    if stream.read(4) != b"OggS" or start < 0:
        return
    page = tail[start:]
    segments = page[26] if len(page) > 26 else 255
    promised = 27 + segments + sum(page[27 : 27 + segments])
    if len(page) < promised:
        raise _truncated(name, f"{len(page)} bytes of its last page", promised)


def _check_sphere(stream: BinaryIO, name: str) -> None:
    """libsndfile takes a cut NIST SPHERE file as a shorter one; its text header tells the size."""
    stream.seek(0)
    header = stream.read(1024)
    plain = header.startswith(b"NIST_1A") and b",embedded" not in header  # not compressed
    fields = dict(SPHERE_FIELDS.findall(header)) if plain else {}
    if len(fields) == 3:
        promised = len(header) + prod(map(int, fields.values()))
        found = stream.seek(0, io.SEEK_END)
        if found < promised:
            raise _truncated(name, f"{found} bytes", promised)


def _tail(stream: BinaryIO, size: int) -> bytes:
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, end - size))
    return stream.read(size)


def _truncated(name: str, found: str, promised: int | str) -> AudioError:
    return AudioError(
        f"{name}: truncated: found {found}, expected {promised} by its header; copy it again"
    )


def _checked_blocks(decoder: _Decoder, name: str, seconds: float) -> Iterator[np.ndarray]:
    """(frames, channels) float32 blocks, finite, as many frames as promised."""
    size = max(1, round(seconds * decoder.samplerate))
    done = 0
    while len(block := _read(decoder, name, size, done)):
        check_finite(block, name, done, decoder.samplerate)
        done += len(block)
        yield block
    slack = MPEG_SLACK if decoder.format == "MP3" else 0
    if done < decoder.frames - slack and decoder.frames < UNKNOWN_FRAMES:
        raise _truncated(name, f"{done} frames", decoder.frames)


def _read(decoder: _Decoder, name: str, size: int, done: int) -> np.ndarray:
    try:
        return decoder.read(size, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        found = error.error_string or "no valid frame"
        raise AudioError(
            f"{name}: damaged or truncated: found {found} after {done / decoder.samplerate:.1f} s, "
            f"expected {decoder.frames} frames; copy it again"
        ) from error


def check_finite(block: np.ndarray, name: str, done: int, sample_rate: int) -> None:
    """Raises AudioError when a block (frames, channels) behind `done` frames is not all finite."""
    finite = np.isfinite(block)
    if not finite.all():
        frame, channel = np.argwhere(~finite)[0]
        second = (done + frame) / sample_rate
        raise AudioError(
            f"{name}: found sample {block[frame, channel]} at {second:.3f} s in channel {channel}, "
            "expected finite values; repair the program that wrote it"
        )


def check_channel(channels: int, name: str, channel: int | None) -> None:
    """Raises AudioError when a sound of so many channels has no such one."""
    if channel is not None and not 0 <= channel < channels:
        raise AudioError(
            f"{name}: found no channel {channel}, expected 0 to {channels - 1} "
            f"since it has {channels}; name one of these, or none to mix them"
        )


def _check_length(decoder: _Decoder, name: str, sample_rate: int) -> None:
    if round(decoder.frames * sample_rate / decoder.samplerate) == 0:
        raise AudioError(
            f"{name}: found {decoder.frames} samples at {decoder.samplerate} Hz, expected "
            f"at least one at {sample_rate} Hz; leave the file out"
        )


def mono(block: np.ndarray, channel: int | None) -> np.ndarray:
    """(frames, channels) -> (frames,): one channel, or the mean of all when None."""
    return block.mean(axis=1) if channel is None else block[:, channel]


def resample_blocks(
    blocks: Iterable[np.ndarray], from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Blocks at another rate; where the blocks end does not change a sample."""
    if from_rate == to_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)
