"""What a model of music was trained on: which symbols it saw, and the melodies to look for copies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audio_rnn import storage
from audio_rnn.errors import ModelError
from audio_rnn.metrics.copying import Melodies, melody_of
from audio_rnn.midi.controls import encode_with_controls, tell
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.home import Home
from audio_rnn.midi.piece import FIFTHS, Key, Piece
from audio_rnn.midi.symbols import SIZE, Kind, identify, ids_of

NAME = "training_music"
NAMES = ("known", "told", "fifths", "starts", "moves")


@dataclass(frozen=True)
class TrainingMusic:
    """Kept in the model's folder beside its weights."""

    known: np.ndarray  # (symbols,) bool, those that the model read
    told: np.ndarray  # (symbols,) how many spans of pieces, where they stand, are told to be so
    fifths: np.ndarray  # (15,) how many pieces stand in each key signature
    melodies: Melodies

    @classmethod
    def of(cls, pieces: Mapping[str, Sequence[int]]) -> TrainingMusic:
        """Of pieces as symbols."""
        decoded = {name: read_symbols(ids).piece() for name, ids in pieces.items()}
        homes = {name: Home.of(piece) for name, piece in decoded.items()}
        read = (encode_with_controls(homes[name].bring(piece)) for name, piece in decoded.items())
        return cls(
            _known(read),
            _told(decoded.values()),
            np.bincount([h.fifths - FIFTHS[0] for h in homes.values()], minlength=len(FIFTHS)),
            Melodies.of({name: melody_of(piece) for name, piece in decoded.items()}),
        )

    def draw_home(self, random: np.random.Generator) -> Home:
        """Where one of the pieces stands."""
        fifths = random.choice(FIFTHS, p=self.fifths / self.fifths.sum())
        return Home.of_key(Key(0, int(fifths)))

    def usual(self) -> np.ndarray:
        """(symbols,) ids: of each density and register the median one, of others themselves."""
        ids = np.arange(SIZE)
        for kind in (Kind.DENSITY, Kind.REGISTER):
            often = self.told[ids_of(kind)].cumsum()
            ids[ids_of(kind)] = identify(kind, int(np.searchsorted(often, often[-1] / 2)))
        return ids

    def surprise(self, home: Home) -> float:
        """Natural logarithm of how unlikely it is that a piece stands there; each was seen once more."""
        often = self.fifths[home.fifths - FIFTHS[0]] + 1
        return float(np.log((self.fifths.sum() + len(FIFTHS)) / often))

    def save(self, folder: Path) -> None:
        """Write it into a model folder. Raises OSError."""
        arrays = {name: getattr(self, name) for name in ("known", "told", "fifths")}
        arrays |= {"starts": self.melodies.starts, "moves": self.melodies.moves}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
        storage.save(folder, NAME, {"names": list(self.melodies.names)}, tensors)

    @classmethod
    def load(cls, folder: Path) -> TrainingMusic:
        """Of a run folder or model folder. Raises: ModelError."""
        inside = folder / "model"
        values, tensors = storage.load(inside if inside.is_dir() else folder, NAME)
        try:
            arrays = {name: tensors[name].numpy() for name in NAMES}
            melodies = Melodies(tuple(values["names"]), arrays["starts"], arrays["moves"])
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"{folder}: {NAME}.json lacks {error}; copy the whole folder again, or train again if an "
                "earlier version made it"
            ) from error
        if arrays["known"].shape != (SIZE,):
            raise ModelError(
                f"{folder}: found {len(arrays['known'])} symbols, expected {SIZE}; train again"
            )
        return cls(arrays["known"], arrays["told"], arrays["fifths"], melodies)


def _known(pieces: Iterable[Sequence[int]]) -> np.ndarray:
    """(symbols,) bool: those that stand in pieces; the end always does."""
    known = np.zeros(SIZE, bool)
    known[identify(Kind.END)] = True
    for ids in pieces:
        known[np.asarray(ids)] = True
    return known


def _told(pieces: Iterable[Piece]) -> np.ndarray:
    told = np.zeros(SIZE, np.int64)
    for piece in pieces:
        for _, values in tell(piece):
            told[[identify(kind, index) for kind, index in values.items()]] += 1
    return told
