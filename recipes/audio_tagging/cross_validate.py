"""Train and test on each fold in turn: mean and spread in one command.

python -m recipes.audio_tagging.cross_validate --config conf/audio_tagging/esc10.yaml

What is trained already is not trained again, so that an interrupted call goes on. To repeat all with
other seeds, add --training.seed 1 and another --run-dir.

--networks 3 trains three networks a fold, with training.seed and those after it, and scores them together:
the mean of their probabilities, as `audio-rnn tag --model runs/esc10/fold1/seed0 --also ...` tells it.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from statistics import mean, stdev

from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.config import require
from audio_rnn.distributed.processes import started
from audio_rnn.errors import ConfigError
from recipes.audio_tagging.config import RecipeConfig, from_arguments
from recipes.audio_tagging.evaluate import Options, evaluate
from recipes.audio_tagging.folds import read_folds
from recipes.audio_tagging.scores import Scores, told
from recipes.audio_tagging.train import train
from recipes.training import say


def cross_validate(config: RecipeConfig, networks: int = 1) -> dict[int, Scores]:
    """The scores of each fold, by a model that was trained on the others, or several together.

    Raises: ConfigError.
    """
    require(networks >= 1, "networks", networks, "1 or more")
    remedy = "start it without torchrun; recipes.audio_tagging.train takes a --fold, and several processes"
    require(started() == 1, "processes", started(), "one", remedy)
    if config.fold is not None or config.valid_fold is not None:
        raise ConfigError("fold: found one, expected none: each is tested in turn")
    path = config.data / "all.jsonl"
    folds = sorted({u.fold for u in read_folds(path) if u.fold is not None})
    results = {}
    for fold in folds:
        trainings = of_fold(config, fold, networks)
        for training in trainings:
            say(f"fold {fold} of {len(folds)}: {training.run_dir}")
            train(training)
        first, *others = (training.run_dir for training in trainings)
        options = Options(first, path, fold, config.training.device, also=tuple(others))
        results[fold] = evaluate(options)
    show(results)
    return results


def of_fold(config: RecipeConfig, fold: int, networks: int) -> list[RecipeConfig]:
    """A training in `fold1`, or several with other seeds, in `fold1/seed0` and so on."""
    folder, first = config.run_dir / f"fold{fold}", config.training.seed
    if networks == 1:
        return [replace(config, fold=fold, run_dir=folder)]
    return [
        replace(
            config,
            fold=fold,
            run_dir=folder / f"seed{seed}",
            training=replace(config.training, seed=seed),
        )
        for seed in range(first, first + networks)
    ]


def show(results: dict[int, Scores]) -> None:
    """A line for each fold, then mean and standard deviation: shares as per cent."""
    names = list(next(iter(results.values())))
    columns = [[scores[name] for scores in results.values()] for name in names]
    table = Table("fold", box=None, collapse_padding=True, pad_edge=False)  # fits 80 columns
    for name in names:
        table.add_column(name, justify="right")
    for fold, values in zip(results, zip(*columns)):
        table.add_row(str(fold), *map(_told, names, values))
    table.add_row("mean", *map(_told, names, map(mean, columns)))
    if len(results) > 1:
        table.add_row("deviation", *map(_told, names, map(stdev, columns)))
    Console().print(table)


def _told(name: str, value: float) -> str:
    return told(name, value).rstrip("%")


def main() -> None:
    """Command line."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--networks", type=int, default=1)
    known, rest = parser.parse_known_args()
    cross_validate(from_arguments(__doc__ or "", rest), known.networks)


if __name__ == "__main__":
    run_command(main)
