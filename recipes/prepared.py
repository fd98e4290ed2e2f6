"""What lies in a folder of prepared data: a manifest, or an index of shards."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.data.shards import SUFFIX, index_path
from audio_rnn.errors import ManifestError


def data_file(folder: Path, split: str) -> Path:
    """The manifest of a split, or its index of shards where there is one.

    Raises: ManifestError when there are both.
    """
    manifest, index = folder / f"{split}.jsonl", index_path(folder, split)
    if manifest.exists() and index.exists():
        raise ManifestError(
            f"{folder}: found {manifest.name} and {index.name}, expected one of them; move shards "
            "into a folder of their own"
        )
    return index if index.exists() else manifest


def in_shards(path: Path) -> bool:
    """Whether a file that `data_file` found is an index of shards."""
    return path.name.endswith(SUFFIX)
