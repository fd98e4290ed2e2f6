"""Score a model of piano rolls: nats per frame of pieces it was not trained on.

python -m recipes.music_generation.evaluate_rolls --model runs/jsb_roll --rolls data/jsb_roll/test.npz

Several models tell a frame with the mean of their probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.config import require
from audio_rnn.data.rolls import Roll, RollBatchConfig, RollBatches, read_rolls
from audio_rnn.device import choose_device
from audio_rnn.errors import MusicError
from audio_rnn.models.rolls import RollModel
from recipes.command import program
from recipes.music_generation.adaptation import score_adapting
from recipes.music_generation.leakage import shares_tune

TOGETHER, ALONE = RollBatchConfig(frames=4000), RollBatchConfig(frames=1)


@dataclass(frozen=True)
class Options:
    """What to score."""

    model: tuple[Path, ...]  # run folders or model folders
    rolls: Path  # file of rolls
    train: Path | None = None  # rolls trained on: pieces that share a tune with one are told apart
    shared: int = 64  # frames of a tune that make a piece a shared one: 4 bars of sixteenths
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    adapt: float = 0.0  # learning rate at which a model goes on learning from each piece's past

    def __post_init__(self) -> None:
        require(len(self.model) > 0, "model", self.model, "one or more")
        require(0 <= self.adapt <= 1, "adapt", self.adapt, "0 to 1")


@dataclass(frozen=True)
class Likelihood:
    """How well pieces were told."""

    nats: dict[str, NDArray[np.float64]]  # of each frame of each piece
    voices: int

    @property
    def frame(self) -> float:
        """Nats per frame, all frames of all pieces alike."""
        return float(np.concatenate(list(self.nats.values())).mean())

    @property
    def after_first(self) -> float:
        """The same without the first frame of each piece, which nothing precedes."""
        return float(np.concatenate([nats[1:] for nats in self.nats.values()]).mean())

    @property
    def piece(self) -> float:
        """The mean over pieces of each one's nats per frame."""
        return float(np.mean([nats.mean() for nats in self.nats.values()]))

    def of(self, names: set[str]) -> Likelihood:
        """That of some pieces."""
        kept = {name: nats for name, nats in self.nats.items() if name in names}
        return Likelihood(kept, self.voices)


def evaluate(options: Options) -> dict[str, Likelihood]:
    """Score and print; by head. Raises: InputError."""
    rolls = read_rolls(options.rolls)
    device = choose_device(options.device)
    models = [RollModel.load(folder).to(device) for folder in options.model]
    likelihoods = mean([measure(model, rolls, options.adapt) for model in models])
    parts = {"all": set(rolls)}
    if options.train:
        leaked = shares_tune(rolls, read_rolls(options.train).values(), options.shared)
        parts |= {"clean": rolls.keys() - leaked, "shared tune": leaked}
    show(Console(), likelihoods, parts)
    return likelihoods


def measure(
    model: RollModel, rolls: Mapping[str, Roll], adapt: float = 0.0
) -> dict[str, Likelihood]:
    """Nats of all frames by each head, of a model that adapts to each piece at a rate above 0.

    Raises: MusicError for rolls of other voices than the model's.
    """
    voices = next(iter(rolls.values())).shape[1]
    if voices != model.voices:
        raise MusicError(f"found rolls of {voices} voices, expected {model.voices}, as the model's")
    device, config = next(model.parameters()).device, ALONE if adapt else TOGETHER
    nats: dict[str, dict[str, NDArray[np.float64]]] = {head: {} for head in model.heads}
    for batch in RollBatches(rolls, config, library=model.library).epoch(0):
        batch = batch.to(device)
        scores = score_adapting(model, batch, adapt) if adapt else model.score(batch)
        for head, told in scores.items():
            rows = -told.cpu().numpy()
            nats[head] |= {name: rows[i, : len(rolls[name])] for i, name in enumerate(batch.ids)}
    return {head: Likelihood(of_pieces, voices) for head, of_pieces in nats.items()}


def mean(likelihoods: Sequence[Mapping[str, Likelihood]]) -> dict[str, Likelihood]:
    """That of the mean of the probabilities of several models.

    Raises: MusicError for models of other heads.
    """
    first = likelihoods[0]
    for other in likelihoods[1:]:
        if other.keys() != first.keys():
            raise MusicError(
                f"found models with the heads {', '.join(first)} and {', '.join(other)}, expected "
                "the same heads; score them one by one"
            )
    return {
        head: Likelihood(
            {
                name: -np.logaddexp.reduce([-other[head].nats[name] for other in likelihoods])
                + np.log(len(likelihoods))
                for name in one.nats
            },
            one.voices,
        )
        for head, one in first.items()
    }


def show(
    console: Console, likelihoods: Mapping[str, Likelihood], parts: Mapping[str, set[str]]
) -> None:
    """A table of nats, a line for each head and part of the pieces."""
    columns = ("per frame", "first left out", "mean of pieces", "per note")
    notes = next(iter(likelihoods.values())).voices > 1
    table = Table("head", "pieces", "count", *columns[: 3 + notes], title="nats")
    for (head, whole), (name, pieces) in product(likelihoods.items(), parts.items()):
        if pieces:
            part = whole.of(pieces)
            figures = part.frame, part.after_first, part.piece, part.frame / part.voices
            shown = [f"{figure:.4f}" for figure in figures[: 3 + notes]]
            table.add_row(head, name, str(len(pieces)), *shown)
    console.print(table)


def main() -> None:
    """Command line."""
    evaluate(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
