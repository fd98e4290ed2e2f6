"""Whether a file is whole: what libsndfile takes as shorter, or as it is, where something is wrong."""

from __future__ import annotations

import io
import re
from math import prod
from typing import BinaryIO

import numpy as np

from audio_rnn.errors import AudioError

SPHERE_FIELDS = re.compile(rb"(channel_count|sample_n_bytes|sample_count) -i (\d+)")


def check_ogg(stream: BinaryIO, name: str) -> None:
    """libsndfile takes a cut Ogg file as a shorter one; the sizes in its last page tell.

    Raises: AudioError.
    """
    tail = _tail(stream, 1 << 16)  # a page is shorter than this
    start = tail.rfind(b"OggS")
    stream.seek(0)
    if stream.read(4) != b"OggS" or start < 0:
        return
    page = tail[start:]
    segments = page[26] if len(page) > 26 else 255
    promised = 27 + segments + sum(page[27 : 27 + segments])
    if len(page) < promised:
        raise truncated(name, f"{len(page)} bytes of its last page", promised)


def check_sphere(stream: BinaryIO, name: str) -> None:
    """libsndfile takes a cut NIST SPHERE file as a shorter one; its text header tells the size.

    Raises: AudioError.
    """
    stream.seek(0)
    header = stream.read(1024)
    plain = header.startswith(b"NIST_1A") and b",embedded" not in header  # not compressed
    fields = dict(SPHERE_FIELDS.findall(header)) if plain else {}
    if len(fields) == 3:
        promised = len(header) + prod(map(int, fields.values()))
        found = stream.seek(0, io.SEEK_END)
        if found < promised:
            raise truncated(name, f"{found} bytes", promised)


def _tail(stream: BinaryIO, size: int) -> bytes:
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, end - size))
    return stream.read(size)


def truncated(name: str, found: str, promised: int | str) -> AudioError:
    """What is raised for a file that is shorter than it says."""
    return AudioError(
        f"{name}: truncated: found {found}, expected {promised} by its header; copy it again"
    )


def means_unknown(size: int) -> bool:
    """Whether programs write this size into a header because they write to a pipe."""
    return any(limit - 4096 <= size <= limit for limit in (1 << 31, 1 << 32))


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
