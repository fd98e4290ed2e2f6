"""What the tests of the prepare scripts for sounds share: reading back what they wrote."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.classes import Classes
from audio_rnn.data.clips import check_clips
from audio_rnn.data.manifest import Utterance, read_manifest


def read_parts(output: Path) -> dict[str, list[Utterance]]:
    """Every manifest through the reader, its labels through the classes; folds by their number."""
    classes = Classes.load(output / "classes.txt")
    parts = {path.stem: read_manifest(path) for path in sorted(output.glob("*.jsonl"))}
    for name, clips in parts.items():
        check_clips(clips, classes, output / f"{name}.jsonl")
    return parts


def recordings(clips: list[Utterance]) -> set[str]:
    return {clip.recording for clip in clips if clip.recording}
