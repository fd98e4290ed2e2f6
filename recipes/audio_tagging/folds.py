"""The clips of a corpus in folds, of which some are held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.errors import ManifestError
from recipes.audio_tagging.config import RecipeConfig
from recipes.prepare import listed


def read_folds(path: Path) -> list[Utterance]:
    """All clips of all folds. Raises: ManifestError."""
    clips = read_manifest(path)
    check_folds(clips, path)
    return clips


def training_folds(clips: Sequence[Utterance], config: RecipeConfig, path: Path) -> list[Utterance]:
    """The clips of the folds that are not held out. Raises: ManifestError."""
    held, known = {config.fold, config.valid_fold} - {None}, {u.fold for u in clips}
    if held - known:
        raise ManifestError(
            f"{path}: found folds {sorted(map(str, known))}, expected {sorted(map(str, held))} "
            "among them"
        )
    return [u for u in clips if u.fold not in held]


def check_folds(clips: Sequence[Utterance], path: Path) -> None:
    """Raises: ManifestError for a clip without fold, or a recording that is in two of them.

    A model that has heard another part of a test recording is tested on what it knows.
    """
    without = [u.id for u in clips if u.fold is None]
    if without:
        raise ManifestError(f"{path}: found no fold for {listed(without)}, expected one for each")
    folds: dict[str, set[int | None]] = {}
    for u in clips:
        if u.recording is not None:
            folds.setdefault(u.recording, set()).add(u.fold)
    leaks = [
        f"{name} (folds {', '.join(map(str, sorted(map(int, filter(None, where)))))})"
        for name, where in folds.items()
        if len(where) > 1
    ]
    if leaks:
        raise ManifestError(
            f"{path}: {len(leaks)} recordings are in several folds, so that training would hear "
            f"what is tested: {listed(leaks, 5)}; put all clips of a recording into one fold"
        )
