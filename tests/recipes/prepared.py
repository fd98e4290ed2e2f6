"""What the tests of the prepare scripts share: sounds, the shared data, reading back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.vocabulary import Vocabulary

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def shared(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the shared data folder {name} is not here")
    return folder


def write_sound(path: Path, seconds: float = 0.5, rate: int = 16000, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * times), rate, **options)
    return path


def read_all(output: Path) -> dict[str, list[Utterance]]:
    """Every split through the manifest reader, its texts through the vocabulary."""
    names = [name for name in ("train", "valid", "test") if (output / f"{name}.jsonl").exists()]
    splits = {name: read_manifest(output / f"{name}.jsonl") for name in names}
    vocabulary = Vocabulary.load(output / "vocabulary.txt")
    for name in ("train", "valid"):
        for utterance in splits.get(name, []):
            assert vocabulary.decode(vocabulary.encode(utterance.text)) == utterance.text
    return splits


def files(output: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in output.iterdir() if p.is_file()}
