"""A run goes on only with the vocabulary and the data that it began with."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from audio_rnn.engine.run_folder import has_begun
from audio_rnn.errors import TrainingError
from audio_rnn.vocabulary import Vocabulary


def keep_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write the vocabulary of a new run. Raises: TrainingError when a run goes on with another."""
    if not (path.exists() and has_begun(path.parent)):
        vocabulary.save(path)
    elif Vocabulary.load(path) != vocabulary:
        raise TrainingError(
            f"{path.parent}: holds a run with another vocabulary, of {len(Vocabulary.load(path))} "
            f"symbols, than that of the data, of {len(vocabulary)}; choose another run_dir, or "
            "delete the folder to start anew"
        )


def keep_digest(path: Path, data: Path) -> None:
    """Write the SHA-256 of a file of data for a new run. Raises: TrainingError when a run goes on
    with another."""
    digest = sha256(data.read_bytes()).hexdigest()
    if not (path.exists() and has_begun(path.parent)):
        path.write_text(f"{digest}  {data.name}\n", encoding="utf-8")
    elif path.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise TrainingError(
            f"{path.parent}: holds a run with other data than {data} holds now; "
            "choose another run_dir, or delete the folder to start anew"
        )
