"""Samples of shards as utterances: their sound, and what is known of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_rnn.audio import EXTENSIONS, read_audio
from audio_rnn.classes import Classes
from audio_rnn.config import from_dict
from audio_rnn.data import clips
from audio_rnn.data.clips import Clip, ClipBatch, ClipExample, example_of
from audio_rnn.data.dataset import Example, SpeechBatch, collate
from audio_rnn.data.inputs import decode_frames
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.tar import Sample
from audio_rnn.errors import ManifestError

FRAMES = ("npy", "mfc")
KNOWN = {field.name for field in fields(Utterance)} - {"audio", "features"}


class NamedBytes(BytesIO):
    """A file in memory, with the name that messages call it by."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


class SpeechReader:
    """Reads samples with their texts."""

    def __init__(self, encode: Callable[[Utterance], list[int]], sample_rate: int) -> None:
        """`encode` gives the symbol ids of an utterance's text and raises InputError."""
        self.encode, self.sample_rate = encode, sample_rate

    def __getitem__(self, sample: Sample) -> Example:
        inputs = read_sound(sample, self.sample_rate)
        seconds = len(inputs) / self.sample_rate if inputs.ndim == 1 else 1.0
        utterance = describe(sample, seconds)
        return Example(utterance.id, inputs, self.encode(utterance), utterance.duration)

    def collate(self, examples: list[Example]) -> SpeechBatch:
        """Utterances as a padded batch. Raises: ManifestError."""
        return collate(examples)


class ClipReader:
    """Reads samples with what is heard in them; long ones stay whole."""

    def __init__(
        self, change: Callable[[Utterance], Utterance], classes: Classes, rate: int
    ) -> None:
        """`change` gives what is trained on and raises InputError; `rate` in Hz."""
        self.change, self.classes, self.rate = change, classes, rate

    def __getitem__(self, sample: Sample) -> ClipExample:
        inputs = read_sound(sample, self.rate)
        seconds = len(inputs) / self.rate if inputs.ndim == 1 else 1.0
        return example_of(Clip(self.change(describe(sample, seconds))), inputs, self.classes)

    def collate(self, examples: list[ClipExample]) -> ClipBatch:
        """Clips as a padded batch. Raises: ManifestError."""
        return clips.collate(examples)


def sound_suffix(sample: Sample) -> str:
    """The suffix of the part that is the sound, without its dot. Raises: ManifestError."""
    known = [name for name in sample.parts if f".{name}" in EXTENSIONS or name in FRAMES]
    if len(known) != 1:
        raise ManifestError(
            f"{sample.name}: found parts {', '.join(sample.parts)}, expected one of sound, such as "
            "flac or wav, beside a json or txt"
        )
    return known[0]


def sound_of(sample: Sample) -> NamedBytes:
    """The sound as a file. Raises: ManifestError."""
    suffix = sound_suffix(sample)
    return NamedBytes(sample.parts[suffix], f"{sample.name}.{suffix}")


def read_sound(sample: Sample, sample_rate: int) -> NDArray[np.float32]:
    """A waveform (samples,) or static frames (frames, coefficients).

    Raises: AudioError, ManifestError.
    """
    file, suffix = sound_of(sample), sound_suffix(sample)
    if suffix in FRAMES:
        return decode_frames(file.getvalue(), f".{suffix}", file.name)
    return read_audio(file, sample_rate)


def describe(sample: Sample, seconds: float) -> Utterance:
    """What json says of a sample in the fields of a manifest, or txt as its text.

    `seconds` is its length where json tells none. Raises: ManifestError, ConfigError.
    """
    suffix = sound_suffix(sample)
    place = {"features" if suffix in FRAMES else "audio": f"{sample.key.lstrip('/')}.{suffix}"}
    values = {"id": sample.key, "duration": seconds, **_told(sample), **place}
    return from_dict(Utterance, values, sample.name)


def _told(sample: Sample) -> dict[str, Any]:
    try:
        text = sample.parts["txt"].decode().strip() if "txt" in sample.parts else None
        told = json.loads(sample.parts.get("json", b"{}"))
        if not isinstance(told, dict):
            raise ValueError(f"found {type(told).__name__}, expected an object")
    except ValueError as error:
        raise ManifestError(f"{sample.name}: its json or txt cannot be read: {error}") from error
    told = {name: value for name, value in told.items() if name in KNOWN and value is not None}
    return told if text is None else {"text": text, **told}
