"""What prepare scripts end with: check, link the source, write the manifests, show a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance, write_manifest
from recipes.audio_tagging.checks import check, point_out
from recipes.prepare import is_below, link

SPLITS = ("train", "valid", "test")
FOLDS = "all"  # the one manifest of a corpus with folds
MOST_CLASSES = 60  # that are listed one by one


def write_corpus(
    output: Path,
    clips: Sequence[Utterance],
    source: Path | None = None,
    expected: Collection[str] = (),
) -> None:
    """Write manifests and classes.txt below `output`, link `source`, and show a table.

    Clips with a fold go to all.jsonl, those with a split (None is train) to {split}.jsonl; what an
    earlier run wrote besides is removed. `expected` are classes that must have clips.

    Raises: InputError for what `recipes.audio_tagging.checks` finds wrong.
    """
    parts = _by_fold(clips) if any(clip.fold for clip in clips) else _by_split(clips)
    check(parts, expected)
    point_out(parts)
    output.mkdir(parents=True, exist_ok=True)
    if source is not None and not is_below(source, output):
        link(output, source)
    manifests = {FOLDS: clips} if any(clip.fold for clip in clips) else parts
    for name in (*SPLITS, FOLDS):
        if manifests.get(name):
            write_manifest(output / f"{name}.jsonl", manifests[name])
        else:
            (output / f"{name}.jsonl").unlink(missing_ok=True)
    classes = Classes.of(label for clip in clips for label in clip.labels or ())
    classes.save(output / "classes.txt")
    _show(output, parts, classes)


def clear(output: Path) -> None:
    """Remove manifests and sound that an earlier run made: the manifests first, so that one that is
    interrupted leaves none that tells of other sound."""
    for name in (*SPLITS, FOLDS):
        (output / f"{name}.jsonl").unlink(missing_ok=True)
    for old in (output / "audio").glob("*-?????.flac"):
        old.unlink()


def _by_split(clips: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    return {name: [c for c in clips if (c.split or "train") == name] for name in SPLITS}


def _by_fold(clips: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    folds = sorted({clip.fold or 0 for clip in clips})
    return {f"fold {n}": [c for c in clips if (c.fold or 0) == n] for n in folds}


def _show(output: Path, parts: Mapping[str, Sequence[Utterance]], classes: Classes) -> None:
    table = Table(padding=(0, int(len(parts) <= 5)))  # ten folds fit 80 columns
    table.add_column("" if "train" in parts else "fold")
    for name in parts:
        table.add_column(name.removeprefix("fold "), justify="right")
    for heading, cells in _rows(parts):
        table.add_row(heading, *cells)
    if len(classes) <= MOST_CLASSES:
        table.add_section()
        counts = [Counter(x for c in part for x in set(c.labels or ())) for part in parts.values()]
        for name in classes.names:
            table.add_row(name.replace("[", r"\["), *(str(count[name]) for count in counts))
    console = Console()
    console.print(str(output), soft_wrap=True, highlight=False)
    console.print(table)


def _rows(parts: Mapping[str, Sequence[Utterance]]) -> list[tuple[str, list[str]]]:
    """Headings and what stands beside them, a cell a part."""
    every = parts.values()
    recordings = [{c.recording for c in part if c.recording} for part in every]
    events = [sum(len(c.events or ()) for c in part) for part in every]
    rows = [
        ("clips", [str(len(part)) for part in every]),
        ("hours", [f"{sum(c.duration for c in part) / 3600:.3f}" for part in every]),
        ("recordings", [str(len(found)) for found in recordings]),
        ("events", [str(count) for count in events]),
    ]
    return rows[: 2 + any(recordings)] + rows[3:] * any(events)
