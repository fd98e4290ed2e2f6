"""Utterances of a manifest as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from audio_rnn.audio import read_audio
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import ManifestError


@dataclass(frozen=True)
class Example:
    """A waveform (samples,) or static frames (frames, coefficients), and their target."""

    id: str
    inputs: NDArray[np.float32]
    target: list[int]


class SpeechDataset(Dataset[Example]):
    """Reads utterances on demand; `targets` are their symbol ids."""

    def __init__(
        self, folder: Path, utterances: list[Utterance], targets: list[list[int]], sample_rate: int
    ) -> None:
        self.folder = folder
        self.utterances = utterances
        self.targets = targets
        self.sample_rate = sample_rate

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Example:
        utterance = self.utterances[index]
        path = self.folder / utterance.source
        inputs = read_frames(path) if utterance.features else read_audio(path, self.sample_rate)
        return Example(utterance.id, inputs, self.targets[index])


def read_frames(path: Path) -> NDArray[np.float32]:
    """(frames, coefficients) of a .npy file, or of a Sphinx .mfc with 13 coefficients.

    Raises: ManifestError.
    """
    try:
        frames = read_sphinx(path) if path.suffix == ".mfc" else read_npy(path)
    except (OSError, ValueError, TypeError) as error:
        raise ManifestError(f"{path}: cannot be read as feature frames: {error}") from error
    if frames.ndim != 2 or not len(frames) or not np.isfinite(frames).all():
        raise ManifestError(
            f"{path}: found shape {frames.shape}, expected finite (frames, coefficients)"
        )
    return frames


def read_npy(path: Path) -> NDArray[np.float32]:
    """The array in a .npy file. Raises OSError, ValueError, TypeError; runs no code."""
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False).astype(np.float32)


def read_sphinx(path: Path, coefficients: int = 13) -> NDArray[np.float32]:
    """A CMU Sphinx feature file: int32 number of values, then float32, in either byte order."""
    data = path.read_bytes()
    for order in (">", "<"):
        if len(data) >= 4 and int(np.frombuffer(data, order + "i4", 1)[0]) == len(data) // 4 - 1:
            values = np.frombuffer(data, order + "f4", offset=4)
            if len(values) % coefficients == 0:
                return values.reshape(-1, coefficients).astype(np.float32)
    raise ValueError(
        f"{len(data)} bytes do not match the header, expected 4 + 4 × {coefficients} × frames"
    )
