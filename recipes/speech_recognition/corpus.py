"""What prepare scripts end with: check, link the source, write the manifests, show a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.errors import InputError
from audio_rnn.vocabulary import Vocabulary
from recipes.prepare import is_below, link, listed
from recipes.speech_recognition.splits import SPLITS


def write_corpus(
    output: Path, splits: Mapping[str, Sequence[Utterance]], source: Path | None = None
) -> None:
    """Write {split}.jsonl and vocabulary.txt below `output`, link `source`, and show a table.

    The vocabulary is that of the training and validation texts. A split that is empty has no
    manifest (an older one is removed).

    Raises: InputError for empty transcripts, a repeated id or no training utterance.
    """
    _check(splits)
    output.mkdir(parents=True, exist_ok=True)
    if source is not None and not is_below(source, output):
        link(output, source)
    for split in SPLITS:
        if splits.get(split):
            write_manifest(output / f"{split}.jsonl", splits[split])
        else:
            (output / f"{split}.jsonl").unlink(missing_ok=True)
    seen = [u.text or "" for split in ("train", "valid") for u in splits.get(split, ())]
    Vocabulary.from_texts(seen).save(output / "vocabulary.txt")
    _show(output, splits)


def _check(splits: Mapping[str, Sequence[Utterance]]) -> None:
    if not splits.get("train"):
        raise InputError("found no utterance to train on, expected some in the split 'train'")
    everything = [u for split in SPLITS for u in splits.get(split, ())]
    empty = [u.id for u in everything if not (u.text or "").strip()]
    if empty:
        raise InputError(f"{len(empty)} empty transcripts: {listed(empty)}; expected words in each")
    twice = [name for name, count in Counter(u.id for u in everything).items() if count > 1]
    if twice:
        raise InputError(f"{len(twice)} ids stand more than once: {listed(twice)}")


def _show(output: Path, splits: Mapping[str, Sequence[Utterance]]) -> None:
    table = Table()
    table.add_column("split")
    for heading in ("utterances", "hours", "words", "speakers"):
        table.add_column(heading, justify="right")
    for split in SPLITS:
        part = splits.get(split, ())
        hours = sum(u.duration for u in part) / 3600
        words = sum(len((u.text or "").split()) for u in part)
        speakers = len({u.speaker for u in part if u.speaker})
        table.add_row(split, str(len(part)), f"{hours:.3f}", str(words), str(speakers or "-"))
    console = Console()
    console.print(str(output), soft_wrap=True, highlight=False)
    console.print(table)
