"""Whether a trained model of music does what it is asked: conditions asked for and got.

    python -m benchmarks.conditions --model runs/nottingham

Every value is asked of so many pieces, each of its own seed, and measured in the notes that came out,
never in the symbols that announce them. Rank correlations are Spearman's, over pieces, or over the
spans of four bars of pieces that go from one end to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from audio_rnn.cli.shell import run_command
from audio_rnn.config import from_command_line
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.decoding.usable import MAJOR, MINOR
from audio_rnn.inference.generator import Generator
from audio_rnn.metrics.copying import Melodies, melody_of
from audio_rnn.midi.controls import SPAN
from audio_rnn.midi.piece import QUARTER, Key, Meter, Note, Piece

LEVELS = tuple((n + 0.5) / 8 for n in range(8))
KEYS = tuple(Key(0, fifths, minor) for minor in (False, True) for fifths in (-1, 0, 1, 2))
METERS = ((2, 4), (3, 4), (4, 4), (6, 8), (9, 8))
Measure = Callable[[list[Note], int], float]  # of the notes of so many steps
SAMPLING = SamplingConfig(top_p=0.95)


@dataclass(frozen=True)
class Arguments:
    """What to ask."""

    model: Path = Path("runs/nottingham")  # run folder or model folder
    count: int = 8  # pieces for each value
    bars: int = 16  # of each piece
    guidance: float = 2.0  # towards density and register


def main() -> None:
    """Ask, measure, print."""
    arguments = from_command_line(Arguments, "Conditions asked for and got.")
    generator = Generator.load(arguments.model)

    def ask(plan: Plan, seed: int = 0, primer: Piece | None = None) -> list[Piece]:
        return generator.generate(plan, SAMPLING, seed, arguments.count, primer)

    bars, guided = arguments.bars, Plan(bars=arguments.bars, guidance=arguments.guidance)
    show_levels("density", "notes a quarter", onsets, lambda x: ask(replace(guided, density=x)))
    show_levels("register", "mean pitch", mean_pitch, lambda x: ask(replace(guided, register=x)))
    show_keys(lambda key: ask(Plan(bars=bars, key=key)))
    show_meters(lambda meter: ask(Plan(bars=bars, meter=meter)))
    show_primer(ask, bars)


def show_levels(
    name: str,
    unit: str,
    measure: Measure,
    ask: Callable[[tuple[float, float]], list[Piece]],
) -> None:
    """The same level all along, then from 0 to 1 and back."""
    got = [[_whole(piece, measure) for piece in ask((level, level))] for level in LEVELS]
    asked = np.repeat(LEVELS, [len(values) for values in got])
    means = ", ".join(f"{np.nanmean(values):.2f}" for values in got)
    print(f"{name}: {unit} for {LEVELS[0]:.2f} to {LEVELS[-1]:.2f}: {means}")
    print(f"{name}: rank correlation over pieces {_rank(asked, np.concatenate(got)):.3f}")
    along = [_along(piece, ends, measure) for ends in ((0, 1), (1, 0)) for piece in ask(ends)]
    print(f"{name}: rank correlation along pieces {_rank(*np.concatenate(along, axis=1)):.3f}")


def onsets(notes: list[Note], steps: int) -> float:
    """Beginnings of notes a quarter note."""
    return len({note.start for note in notes}) / (steps / QUARTER)


def mean_pitch(notes: list[Note], steps: int) -> float:
    """Of a melody; nothing of silence."""
    return float(np.mean([note.pitch for note in notes])) if notes else float("nan")


def _whole(piece: Piece, measure: Measure) -> float:
    return measure(list(piece.voices[0].notes), list(piece.bars())[-1].end)


def _along(piece: Piece, ends: tuple[float, float], measure: Measure) -> np.ndarray:
    """(2, spans): what was asked of each four bars, and what it is."""
    bars, notes = list(piece.bars()), piece.voices[0].notes
    spans = [
        (s[0].start, s[-1].end) for s in (bars[i : i + SPAN] for i in range(0, len(bars), SPAN))
    ]
    got = [measure([n for n in notes if a <= n.start < b], b - a) for a, b in spans]
    return np.array([np.linspace(*ends, len(spans)), got])


def _rank(asked: np.ndarray, got: np.ndarray) -> float:
    return float(spearmanr(asked, got, nan_policy="omit").statistic)


def show_keys(ask: Callable[[Key], list[Piece]]) -> None:
    """Notes in the scale that is asked, in the mean of all others, and which third they have."""
    inside, elsewhere, thirds = [], [], []
    for key in KEYS:
        for piece in ask(key):
            notes = [(n.pitch - key.tonic) % 12 for voice in piece.voices for n in voice.notes]
            shares = np.bincount(notes, minlength=12) / len(notes)  # of degrees above the tonic
            scale = list(MINOR if key.minor else MAJOR)
            by_tonic = [np.roll(shares, shift)[scale].sum() for shift in range(12)]
            inside.append(by_tonic[0])
            elsewhere.append(np.mean(by_tonic[1:]))
            thirds.append((shares[3] > shares[4]) == key.minor)
    print(f"key: {np.mean(inside):.1%} of notes in its scale, {np.mean(elsewhere):.1%} in others")
    print(f"mode: {np.mean(thirds):.1%} of pieces have its third more often than the other one")


def show_meters(ask: Callable[[tuple[int, int]], list[Piece]]) -> None:
    """Where chords begin: on the bar lines of the meter that is asked, or on those of others."""
    lengths = {meter: Meter(0, *meter).bar for meter in METERS}
    for meter, bar in lengths.items():
        pieces = ask(meter)
        own = np.mean([_on_lines(piece, bar) for piece in pieces])
        others = np.mean([_on_lines(p, b) for p in pieces for b in lengths.values() if b % bar])
        print(
            f"meter {meter[0]}/{meter[1]}: a chord begins on {own:.1%} of its bar lines, on "
            f"{others:.1%} of those of other lengths"
        )


def _on_lines(piece: Piece, bar: int) -> float:
    starts = {note.start for voice in piece.voices[1:] for note in voice.notes}
    return float(np.mean([line in starts for line in range(0, piece.end, bar)]))


def show_primer(ask: Callable[..., list[Piece]], bars: int) -> None:
    """How much of a primer comes again in what follows it, and in pieces without it."""
    primed, free = [], []
    for n in range(4):
        primer = ask(Plan(bars=bars // 4), 1000 + 100 * n)[0]
        melody = Melodies.of({"primer": melody_of(primer)})
        end = list(primer.bars())[-1].end
        for piece in ask(Plan(bars=bars), 0, primer):
            later = [note for note in melody_of(piece) if note.start >= end]
            primed.append(melody.longest_shared(later).notes)
        free += [melody.longest_shared(melody_of(piece)).notes for piece in ask(Plan(bars=bars))]
    print(
        f"primer: longest passage again {np.mean(primed):.1f} notes, without it {np.mean(free):.1f}"
    )


if __name__ == "__main__":
    run_command(main)
