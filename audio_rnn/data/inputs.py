"""The sound of a manifest's line as an array, and several of them as one padded tensor."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.audio import Source, read_audio, source_name
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, ManifestError, reason

SLACK = 0.1  # seconds, and share, by which a manifest may round


def read_inputs(folder: Path, utterance: Utterance, sample_rate: int) -> NDArray[np.float32]:
    """A waveform (samples,) or static frames (frames, coefficients).

    Raises: AudioError, ManifestError.
    """
    return read_source(folder / utterance.source, utterance, sample_rate)


def read_source(source: Source, utterance: Utterance, sample_rate: int) -> NDArray[np.float32]:
    """The same of a file that lies elsewhere than the manifest says, or in memory."""
    if utterance.features:
        return read_frames(source)
    samples = read_audio(source, sample_rate)
    check_duration(source_name(source), len(samples) / sample_rate, utterance.duration)
    return samples


def check_duration(path: str | Path, found: float, expected: float) -> None:
    """Raises: AudioError for a file that is no longer the one that was prepared."""
    if abs(found - expected) > SLACK + SLACK * expected:
        raise AudioError(
            f"{path}: found {found:.2f} s, expected {expected:.2f} s as its manifest says; the file "
            "has changed since, so run the prepare script again"
        )


def pad_inputs(inputs: Mapping[str, NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
    """Inputs by name -> (batch, samples) or (batch, frames, coefficients), and lengths (batch,).

    Raises: ManifestError when waveforms and frames, or frames of several sizes, are mixed.
    """
    kinds = {_kind(array): name for name, array in inputs.items()}
    if len(kinds) > 1:
        found = " and ".join(f"{kind} ({name!r})" for kind, name in kinds.items())
        raise ManifestError(f"found {found}, expected one kind in a manifest; make one of each")
    return pad([torch.from_numpy(array) for array in inputs.values()])


def pad(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of any lengths, padded with zeros, and their lengths (batch,)."""
    return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


def _kind(inputs: NDArray[np.float32]) -> str:
    return "audio" if inputs.ndim == 1 else f"frames of {inputs.shape[1]} values"


def read_frames(source: Source) -> NDArray[np.float32]:
    """(frames, coefficients) of a .npy file, or of a Sphinx .mfc with 13 coefficients.

    Raises: ManifestError.
    """
    name = source_name(source)
    try:
        data = Path(source).read_bytes() if isinstance(source, str | Path) else source.read()
    except OSError as error:
        raise ManifestError(f"{name}: cannot be read as feature frames: {reason(error)}") from error
    return decode_frames(data, Path(name).suffix, name)


def decode_frames(data: bytes, suffix: str, name: str) -> NDArray[np.float32]:
    """The same from the bytes of the file that messages call `name`. Raises: ManifestError."""
    try:
        frames = decode_sphinx(data) if suffix == ".mfc" else decode_npy(data)
    except (OSError, ValueError, TypeError) as error:
        raise ManifestError(f"{name}: cannot be read as feature frames: {reason(error)}") from error
    if frames.ndim != 2 or not len(frames) or not np.isfinite(frames).all():
        raise ManifestError(
            f"{name}: found shape {frames.shape}, expected finite (frames, coefficients)"
        )
    return frames


def decode_npy(data: bytes) -> NDArray[np.float32]:
    """The array in a .npy file. Raises OSError, ValueError, TypeError; runs no code."""
    return np.lib.format.read_array(BytesIO(data), allow_pickle=False).astype(np.float32)


def decode_sphinx(data: bytes, coefficients: int = 13) -> NDArray[np.float32]:
    """A CMU Sphinx feature file: int32 number of values, then float32, in either byte order."""
    for order in (">", "<"):
        if len(data) >= 4 and int(np.frombuffer(data, order + "i4", 1)[0]) == len(data) // 4 - 1:
            values = np.frombuffer(data, order + "f4", offset=4)
            if len(values) % coefficients == 0:
                return values.reshape(-1, coefficients).astype(np.float32)
    raise ValueError(
        f"{len(data)} bytes do not match the header, expected 4 + 4 × {coefficients} × frames"
    )
