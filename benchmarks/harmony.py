"""Voices around given melodies: does looking ahead with more particles pay?

    python -m benchmarks.harmony --model runs/nottingham --data data/nottingham/test.jsonl

The melodies of pieces are harmonised by 1, 4 and 16 particles, in alternation, with the same seeds.
Printed are the surprise of what came out (nats a symbol, of the whole piece), how much of the time the
other voices have the pitch classes that they have in the real piece, and the time it took.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.pieces import read_pieces
from audio_rnn.inference.generator import Generator
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.piece import Piece

PARTICLES = (1, 4, 16)


@dataclass(frozen=True)
class Arguments:
    """What to harmonise."""

    model: Path = Path("runs/nottingham")  # run folder or model folder
    data: Path = Path("data/nottingham/test.jsonl")  # file of pieces with several voices
    pieces: int = 20  # the first ones
    longest: int = 1000  # symbols of a piece that is taken


def main() -> None:
    """Harmonise, then print means with their standard errors."""
    arguments = from_command_line(Arguments, "Voices around given melodies.")
    generator = Generator.load(arguments.model)
    short = [ids for ids in read_pieces(arguments.data).values() if len(ids) <= arguments.longest]
    real = [piece for piece in map(decode, short) if len(piece.voices) > 1]
    rows: dict[int, list[tuple[float, float, float]]] = {count: [] for count in PARTICLES}
    for seed, piece in enumerate(islice(real, arguments.pieces)):
        for count, found in rows.items():
            began = time.process_time()
            (drawn,) = generator.harmonize(piece, seed=seed, particles=count)
            took = time.process_time() - began
            score = generator.score(drawn)
            found.append((score.nats / score.symbols, agreement(drawn, piece), took))
    for count, found in rows.items():
        show(count, np.array(found))


def show(count: int, found: np.ndarray) -> None:
    """A line of means."""
    nats, same, seconds = found.mean(axis=0)
    errors = found.std(axis=0, ddof=1) / len(found) ** 0.5
    print(
        f"{count:3} particles: {nats:.3f} (±{errors[0]:.3f}) nats a symbol, the chords of the real "
        f"piece {same:.1%} (±{errors[1]:.1%}) of the time, {seconds:.1f} s of CPU a piece"
    )


def agreement(one: Piece, other: Piece) -> float:
    """Share of steps at which the other voices of both pieces have the same pitch classes."""
    rolls = [classes(piece, max(one.end, other.end)) for piece in (one, other)]
    heard = (rolls[0] | rolls[1]).any(axis=0)
    return float((rolls[0] == rolls[1]).all(axis=0)[heard].mean())


def classes(piece: Piece, steps: int) -> np.ndarray:
    """(12, steps) bool: pitch classes that sound in all voices but the first."""
    roll = np.zeros((12, steps), bool)
    for voice in piece.voices[1:]:
        for note in voice.notes:
            roll[note.pitch % 12, note.start : note.end] = True
    return roll


if __name__ == "__main__":
    run_command(main)
