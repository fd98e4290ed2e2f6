"""Voices around given melodies: does looking ahead with more particles pay?

    python -m benchmarks.harmony --model runs/nottingham --data data/nottingham/test.jsonl
    python -m benchmarks.harmony --model runs/rolls_jsb_16th --data data/jsb_events/test.jsonl

The melodies of pieces are harmonised by 1, 4 and 16 particles, in alternation, with the same seeds, by a
model of events or of voices. Printed are how much of the time the other voices have all of the pitch
classes that they have in the real piece, how much of the pitch classes of both they share, the time it
took and, of a model of events, the surprise of what came out (nats a symbol, of the whole piece).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.data.pieces import read_pieces
from audio_rnn.inference.generator import Generator
from audio_rnn.inference.harmonizer import Harmonizer
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.piece import Piece
from audio_rnn.models.folder import kind_of
from audio_rnn.models.rolls import KIND as ROLLS

PARTICLES = (1, 4, 16)

Draw = Callable[[Piece, int, int], Piece]  # from a melody, a seed and a number of particles
Surprise = Callable[[Piece], float]  # nats a symbol


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
    draw, surprise = load(arguments.model)
    short = [ids for ids in read_pieces(arguments.data).values() if len(ids) <= arguments.longest]
    real = [piece for piece in map(decode, short) if len(piece.voices) > 1]
    rows: dict[int, list[tuple[float, ...]]] = {count: [] for count in PARTICLES}
    for seed, piece in enumerate(islice(real, arguments.pieces)):
        for count, found in rows.items():
            began = time.process_time()
            drawn = draw(piece, seed, count)
            took = time.process_time() - began
            found.append((*agreement(drawn, piece), took, surprise(drawn)))
    for count, found in rows.items():
        show(count, np.array(found))


def load(folder: Path) -> tuple[Draw, Surprise]:
    """A model of either kind; one of voices tells no surprise of pieces. Raises: ModelError."""
    if kind_of(folder) == ROLLS:
        harmonizer = Harmonizer.load(folder)
        return lambda melody, seed, count: harmonizer.harmonize(
            melody, seed=seed, particles=count
        ), lambda piece: float("nan")
    generator = Generator.load(folder)

    def draw(melody: Piece, seed: int, count: int) -> Piece:
        return generator.harmonize(melody, seed=seed, particles=count)[0]

    def surprise(piece: Piece) -> float:
        score = generator.score(piece)
        return score.nats / score.symbols

    return draw, surprise


def show(count: int, found: np.ndarray) -> None:
    """A line of means."""
    same, shared, seconds, nats = found.mean(axis=0)
    errors = found.std(axis=0, ddof=1) / len(found) ** 0.5
    print(
        f"{count:3} particles: the chords of the real piece {same:.1%} (±{errors[0]:.1%}) of the time, "
        f"{shared:.1%} (±{errors[1]:.1%}) of the pitch classes, {seconds:.1f} s of CPU a piece"
        + ("" if np.isnan(nats) else f", {nats:.3f} (±{errors[3]:.3f}) nats a symbol")
    )


def agreement(one: Piece, other: Piece) -> tuple[float, float]:
    """Share of steps at which the other voices of both pieces have the same pitch classes, and the
    share that both have of the pitch classes of either."""
    rolls = [classes(piece, max(one.end, other.end)) for piece in (one, other)]
    either = rolls[0] | rolls[1]
    same = (rolls[0] == rolls[1]).all(axis=0)[either.any(axis=0)].mean()
    return float(same), float((rolls[0] & rolls[1]).sum() / either.sum())


def classes(piece: Piece, steps: int) -> np.ndarray:
    """(12, steps) bool: pitch classes that sound in all voices but the first."""
    roll = np.zeros((12, steps), bool)
    for voice in piece.voices[1:]:
        for note in voice.notes:
            roll[note.pitch % 12, note.start : note.end] = True
    return roll


if __name__ == "__main__":
    run_command(main)
