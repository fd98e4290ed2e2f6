"""What the prepare scripts share: the texts of each split and the vocabulary, as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.data.texts import UNKNOWN, encode_texts
from audio_rnn.errors import InputError
from audio_rnn.storage import write_text
from audio_rnn.vocabulary import Vocabulary

SPLITS = ("train", "valid", "test")


def write_corpus(output: Path, splits: Mapping[str, Sequence[str]], vocabulary: Vocabulary) -> None:
    """Write {split}.txt and vocabulary.txt below `output`, and show a table.

    A split that is empty has no file (an older one is removed).

    Raises: InputError for no text to train on, or one that the vocabulary cannot write.
    """
    if not splits.get("train"):
        raise InputError("found no text to train on, expected some in the split 'train'")
    output.mkdir(parents=True, exist_ok=True)
    table = Table("split", "texts", "words", "symbols", "unknown words")
    for split in SPLITS:
        path, texts = output / f"{split}.txt", splits.get(split, ())
        table.add_row(split, *map(str, counts(vocabulary, path, texts)))
        if texts:
            write_text(path, "\n".join(texts) + "\n")
        else:
            path.unlink(missing_ok=True)
    vocabulary.save(output / "vocabulary.txt")
    console = Console()
    console.print(f"{output}: {len(vocabulary)} symbols, the boundary included", highlight=False)
    console.print(table)


def counts(vocabulary: Vocabulary, path: Path, texts: Sequence[str]) -> tuple[int, ...]:
    """Texts, words, symbols, unknown words. Raises: VocabularyError naming the line."""
    ids = encode_texts(vocabulary, {f"{path}:{n}": text for n, text in enumerate(texts, 1)})
    unknown = vocabulary.ids.get(UNKNOWN)
    return (
        len(texts),
        sum(len(text.split()) for text in texts),
        sum(map(len, ids.values())),
        sum(row.count(unknown) for row in ids.values()) if unknown is not None else 0,
    )
