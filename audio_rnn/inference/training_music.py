"""What a model of music was trained on: which symbols it saw, and the melodies to look for copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audio_rnn import storage
from audio_rnn.errors import ModelError
from audio_rnn.metrics.copying import Melodies, melody_of
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.symbols import SIZE

NAME = "training_music"


@dataclass(frozen=True)
class TrainingMusic:
    """Kept in the model's folder beside its weights."""

    known: np.ndarray  # (symbols,) bool
    melodies: Melodies

    @classmethod
    def of(cls, pieces: Mapping[str, Sequence[int]], known: np.ndarray) -> TrainingMusic:
        """Of pieces as symbols; `known` may hold more than they do, as of other keys."""
        melodies = {name: melody_of(read_symbols(ids).piece()) for name, ids in pieces.items()}
        return cls(known, Melodies.of(melodies))

    def save(self, folder: Path) -> None:
        """Write it into a model folder. Raises OSError."""
        arrays = {"known": self.known, "starts": self.melodies.starts, "moves": self.melodies.moves}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
        storage.save(folder, NAME, {"names": list(self.melodies.names)}, tensors)

    @classmethod
    def load(cls, folder: Path) -> TrainingMusic:
        """Of a run folder or model folder. Raises: ModelError."""
        inside = folder / "model"
        values, tensors = storage.load(inside if inside.is_dir() else folder, NAME)
        try:
            arrays = {name: tensors[name].numpy() for name in ("known", "starts", "moves")}
            melodies = Melodies(tuple(values["names"]), arrays["starts"], arrays["moves"])
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"{folder}: {NAME}.json lacks {error}; copy the whole folder again"
            ) from error
        if arrays["known"].shape != (SIZE,):
            raise ModelError(
                f"{folder}: found {len(arrays['known'])} symbols, expected {SIZE}; train again"
            )
        return cls(arrays["known"], melodies)


def symbols_of(pieces: Mapping[str, Sequence[int]]) -> np.ndarray:
    """(symbols,) bool: those that stand in pieces; the end always does."""
    known = np.zeros(SIZE, bool)
    known[0] = True
    for ids in pieces.values():
        known[np.asarray(ids)] = True
    return known
