"""Pieces whose melodies are the same, or mostly so, in any key."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from audio_rnn.metrics.copying import melody_moves, melody_of
from audio_rnn.midi.piece import Piece

PASSAGE = 12  # notes whose intervals and rhythm are compared at once
SHARE = 0.5  # of the passages of the shorter melody


def find_duplicates(pieces: Mapping[str, Piece]) -> dict[str, str]:
    """Name -> name of the first piece that says at least half of the same passages."""
    seen: dict[tuple[int, ...], list[str]] = defaultdict(list)
    sizes: dict[str, int] = {}
    found: dict[str, str] = {}
    for name, piece in pieces.items():
        passages = passages_of(piece)
        shared = Counter(other for passage in passages for other in seen[passage])
        like = [
            other
            for other, count in shared.most_common()
            if count >= SHARE * min(len(passages), sizes[other])
        ]
        if like:
            found[name] = like[0]
            continue
        sizes[name] = len(passages)
        for passage in passages:
            seen[passage].append(name)
    return found


def passages_of(piece: Piece) -> set[tuple[int, ...]]:
    """The passages of a melody; all of it, if it is shorter than one."""
    moves = melody_moves(melody_of(piece)).tolist()
    size = PASSAGE - 1
    return {tuple(moves[i : i + size]) for i in range(max(len(moves) - size + 1, 1))}
