"""The whole job: prepare, train, score, draw pieces, and one to hear and look at.

python -m recipes.music_generation.demo
python -m recipes.music_generation.demo --nottingham ~/nottingham-dataset
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from audio_rnn import config
from audio_rnn.cli import generate as generate_command
from audio_rnn.cli.shell import run_command
from recipes.command import program
from recipes.music_generation import prepare_default, prepare_nottingham
from recipes.music_generation.evaluate import Options as EvaluateOptions
from recipes.music_generation.evaluate import evaluate
from recipes.music_generation.sample import Options as SampleOptions
from recipes.music_generation.sample import sample
from recipes.music_generation.train import RecipeConfig, train

CONFIGS = Path("conf/music_generation")


@dataclass(frozen=True)
class Options:
    """The demonstration."""

    nottingham: Path | None = None  # folder of that data set; tunes composed by rules without it
    config: Path | None = None  # what to train: default.yaml or nottingham.yaml unless given
    count: int = 100  # pieces to draw and measure


def main() -> int:
    """Run all steps; what an earlier run has done is kept."""
    options = tyro.cli(Options, prog=program(), description=__doc__)
    console = Console(stderr=True, highlight=False)
    known = CONFIGS / ("nottingham.yaml" if options.nottingham else "default.yaml")
    recipe = config.load(RecipeConfig, options.config or known)
    test, samples = recipe.data / "test.jsonl", recipe.run_dir / "samples"

    console.rule(f"1. Pieces, in {recipe.data}")
    prepare(options.nottingham, recipe.data)
    console.rule(f"2. Training, history and curves in {recipe.run_dir}")
    train(recipe)
    console.rule("3. How surprising are pieces that were not heard in training?")
    evaluate(EvaluateOptions(recipe.run_dir, test))
    console.rule(f"4. Drawn pieces beside real ones, in {samples}")
    sample(SampleOptions(recipe.run_dir, test, samples, options.count))
    console.rule("5. A piece to hear, and its picture")
    return generate_one(recipe.run_dir, console)


def prepare(nottingham: Path | None, output: Path) -> None:
    """Write the pieces, unless they are there. Raises: InputError."""
    if (output / "test.jsonl").exists():
        return
    if nottingham:
        prepare_nottingham.prepare(prepare_nottingham.Options(nottingham, output))
    else:
        prepare_default.prepare(prepare_default.Options(output))


def generate_one(run_dir: Path, console: Console) -> int:
    """A tune as MIDI, sound and piano roll in the run folder; the exit status."""
    output = str(run_dir / "tune.mid")
    command = ["--model", str(run_dir), "--output", output, "--bars", "16", "--seed", "1"]
    command += ["--wav", "--plot", "--overwrite"]
    console.print(f"[bold]$ audio-rnn generate {' '.join(command)}[/]", soft_wrap=True)
    return generate_command.main(command)


if __name__ == "__main__":
    run_command(main)
