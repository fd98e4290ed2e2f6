"""Pieces of music as symbols: files of one piece a line, {"id": ..., "symbols": "bar ..."}."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from audio_rnn.errors import InputError, VocabularyError, reason
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.home import Home
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.storage import write_text

Pieces = dict[str, list[int]]  # id -> symbols


def write_pieces(path: Path, pieces: Mapping[str, Sequence[int]]) -> None:
    """Write pieces, replacing a file at once. Raises: OSError."""
    vocabulary = event_vocabulary()
    lines = (
        json.dumps({"id": name, "symbols": vocabulary.decode(ids)}, ensure_ascii=False)
        for name, ids in pieces.items()
    )
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_pieces(path: Path) -> Pieces:
    """The pieces of a file. Raises: InputError with the line that is broken."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read: {reason(error)}; run one of the recipe's prepare scripts first"
        ) from error
    pieces: Pieces = {}
    for number, line in enumerate(lines, 1):
        name, ids = _parse(line, f"{path}:{number}")
        if name in pieces:
            raise InputError(f"{path}:{number}: id {name!r} stands twice, expected it once")
        pieces[name] = ids
    if not pieces:
        raise InputError(f"{path}: found no piece, expected one a line")
    return pieces


def _parse(line: str, place: str) -> tuple[str, list[int]]:
    try:
        values = json.loads(line)
        ids, symbols = event_vocabulary().ids, values["symbols"].split()
        unknown = [symbol for symbol in symbols if symbol not in ids]
        name = str(values["id"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f'{place}: found no piece: {error!r}; expected {{"id": ..., "symbols": ...}}'
        ) from error
    if unknown:
        raise VocabularyError(
            f"{place}: found symbol {unknown[0]!r}, expected event symbols of this version; run the prepare "
            "script again"
        )
    return name, [ids[symbol] for symbol in symbols]


def at_home(pieces: Mapping[str, Sequence[int]], untold: int | None = None) -> Pieces:
    """Pieces as a model reads them: in C major or A minor, with what they are like.

    Args:
        untold: every so many pieces, one whose number of bars is not told; None for none.
    """
    moved: Pieces = {}
    for number, (name, ids) in enumerate(pieces.items()):
        piece = read_symbols(ids).piece()
        bars = math.inf if untold and number % untold == 0 else None
        moved[name] = encode_with_controls(Home.of(piece).bring(piece), bars)
    return moved
