"""`audio-rnn generate --harmonize`: voices around a melody, by a model of events or of voices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.decoding.plan import Plan
    from audio_rnn.decoding.sampling import SamplingConfig
    from audio_rnn.metrics.copying import Melodies
    from audio_rnn.midi.piece import Piece


def harmonize(
    model: Path, melody: Piece, plan: Plan, sampling: SamplingConfig, seed: int, count: int
) -> tuple[list[Piece], Melodies | None]:
    """So many pieces, with a bar of progress on a terminal; and the melodies of the training set,
    which a model of voices does not keep. Raises: InputError."""
    from audio_rnn.inference.generator import Generator
    from audio_rnn.models.folder import kind_of
    from audio_rnn.models.rolls import KIND

    seeds = range(seed, seed + count)
    if kind_of(model) == KIND:
        return _around(model, melody, plan, sampling, seeds), None
    generator = Generator.load(model)
    pieces = []
    with _progress(count) as told:
        for number in seeds:
            pieces += generator.harmonize(melody, plan, sampling, number, progress=told)
    return pieces, generator.training.melodies


def _around(
    model: Path, melody: Piece, plan: Plan, sampling: SamplingConfig, seeds: range
) -> list[Piece]:
    from audio_rnn.decoding.plan import Plan
    from audio_rnn.inference.harmonizer import Harmonizer

    if plan != Plan() or sampling.repetition != 1:
        raise InputError(
            f"--harmonize: found other options than --temperature, --top-k and --top-p for {model}, "
            "a model of voices, which knows no keys, meters and bars; leave them out, or use a model "
            "of events"
        )
    harmonizer = Harmonizer.load(model)
    with _progress(len(seeds)) as told:
        return [harmonizer.harmonize(melody, sampling, seed, progress=told) for seed in seeds]


@contextmanager
def _progress(pieces: int) -> Iterator[Callable[[float], None]]:
    """Within: a bar on standard error when that is a terminal; what is yielded takes the share of a
    piece that is drawn, of each piece from near 0 to 1."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task, whole = progress.add_task("harmonising", total=pieces), 0

        def tell(share: float) -> None:
            nonlocal whole
            progress.update(task, completed=whole + share)
            whole += share >= 1

        yield tell
