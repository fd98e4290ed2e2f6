"""Sound that is still being made: raw PCM, a WAV that grows, as blocks of samples.

Where a stream breaks, all that came before has been given, and then the error is raised.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator

import numpy as np

from audio_rnn.audio import check_channel, check_finite, mono, resample_blocks
from audio_rnn.errors import AudioError
from audio_rnn.inference.wav import PcmFormat, read_header, read_pieces, to_samples

HEADER = re.compile(rb"RIFF.{4}WAVEfmt ", re.DOTALL)
HEADER_BYTES = 16
AFTERWARDS = 1 << 20  # bytes behind the samples that are searched for another sound


def read_live(
    stream: io.BufferedIOBase,
    sample_rate: int,
    pcm: PcmFormat | None = None,
    channel: int | None = None,
) -> Iterator[np.ndarray]:
    """Samples at `sample_rate` Hz as they come: blocks (samples,) float32.

    Args:
        stream: such as standard input; a WAV from its header on, or bare samples.
        sample_rate: of the blocks.
        pcm: what bare samples are; None for a WAV, which tells.
        channel: the one to hear, from 0; all are mixed when None.

    Raises: AudioError, when all that came whole has been given.
    """
    name = str(getattr(stream, "name", "stream"))
    form, size = (pcm, None) if pcm else read_header(stream, name)
    check_channel(form.channels, name, channel)
    failures: list[AudioError] = []

    def blocks() -> Iterator[np.ndarray]:
        """Until the first failure, so that what was resampled before it still comes out."""
        try:
            for block in _frames(_sound(stream, size, form, name), form, name):
                yield mono(block, channel)
        except AudioError as error:
            failures.append(error)

    yield from resample_blocks(blocks(), form.sample_rate, sample_rate)
    if failures:
        raise failures[0]


def _sound(
    stream: io.BufferedIOBase, size: int | None, form: PcmFormat, name: str
) -> Iterator[bytes]:
    """The bytes of the samples. Another header means that something else begins."""
    done, held = 0, b""
    for piece in read_pieces(stream, size):
        done += len(piece)
        held += piece
        if header := HEADER.search(held):
            yield held[: header.start()]
            raise _changed(name, form, done - len(held) + header.start())
        yield held[: 1 - HEADER_BYTES]
        held = held[1 - HEADER_BYTES :]
    yield held
    if size is not None and done < size:
        raise AudioError(f"{name}: truncated: found {done} bytes of samples, expected {size}")
    if size is not None and HEADER.search(b"".join(read_pieces(stream, AFTERWARDS))):
        raise _changed(name, form, done)


def _changed(name: str, form: PcmFormat, done: int) -> AudioError:
    return AudioError(
        f"{name}: found a WAV header after {done / form.frame_bytes / form.sample_rate:.3f} s, "
        f"expected more samples of {form.sample_rate} Hz; a stream cannot change its format: send "
        "one sound at a time, and no --pcm-rate when it begins with a header"
    )


def _frames(pieces: Iterable[bytes], form: PcmFormat, name: str) -> Iterator[np.ndarray]:
    """Bytes -> (frames, channels) float32."""
    done, rest = 0, b""
    for piece in pieces:
        rest += piece
        whole = len(rest) // form.frame_bytes * form.frame_bytes
        if whole:
            block = to_samples(rest[:whole], form)
            check_finite(block, name, done, form.sample_rate)
            done, rest = done + len(block), rest[whole:]
            yield block
    if rest or not done:
        raise AudioError(
            f"{name}: ends in the middle of a sample: found {len(rest)} bytes after "
            f"{done / form.sample_rate:.3f} s, expected {form.frame_bytes}; was its source stopped?"
            if rest
            else f"{name}: found no samples, expected sound; is its source running?"
        )
