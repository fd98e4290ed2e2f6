"""What the prepare scripts of event symbols end with: files of pieces, and a table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.data.pieces import write_pieces
from audio_rnn.errors import MusicError
from audio_rnn.midi.encoding import encode
from audio_rnn.midi.piece import Piece
from audio_rnn.midi.symbols import event_vocabulary
from recipes.music_generation.duplicates import find_duplicates
from recipes.prepare import leave_out

SPLITS = ("train", "valid", "test")
Splits = Mapping[str, Mapping[str, Piece]]


def write_corpus(output: Path, splits: Splits) -> None:
    """Write {split}.jsonl and vocabulary.txt below `output`, and show a table.

    Raises: MusicError for no piece to train on.
    """
    if not splits.get("train"):
        raise MusicError("found no piece to train on, expected some in the split 'train'")
    output.mkdir(parents=True, exist_ok=True)
    table = Table("split", "pieces", "bars", "notes", "minutes", "symbols")
    for split in SPLITS:
        path, pieces = output / f"{split}.jsonl", splits.get(split, {})
        symbols = {name: encode(piece) for name, piece in pieces.items()}
        table.add_row(split, *_counts(pieces), str(sum(map(len, symbols.values()))))
        if symbols:
            write_pieces(path, symbols)
        else:
            path.unlink(missing_ok=True)
    event_vocabulary().save(output / "vocabulary.txt")
    console = Console()
    console.print(str(output), soft_wrap=True, highlight=False)
    console.print(table)


def _counts(pieces: Mapping[str, Piece]) -> list[str]:
    bars = sum(len(list(piece.bars())) for piece in pieces.values())
    notes = sum(len(voice.notes) for piece in pieces.values() for voice in piece.voices)
    minutes = sum(piece.seconds() for piece in pieces.values()) / 60
    return [str(len(pieces)), str(bars), str(notes), f"{minutes:.1f}"]


def hold_out(pieces: Mapping[str, Piece], share: float) -> dict[str, dict[str, Piece]]:
    """Splits by the hashes of names, with a share each for validation and test.

    Of pieces with mostly the same melody, the first one stays and the others are left out.
    """
    same = find_duplicates(pieces)
    for name, first in same.items():
        leave_out(f"{name}: mostly the melody of {first}")
    kept = [name for name in pieces if name not in same]
    order = sorted(kept, key=lambda name: hashlib.sha256(name.encode()).digest())
    held = round(len(order) * share)
    names = {
        "test": set(order[:held]), "valid": set(order[held : 2 * held]), "train": set(order[2 * held :])
    }  # fmt: skip
    return {split: {n: pieces[n] for n in kept if n in names[split]} for split in SPLITS}
