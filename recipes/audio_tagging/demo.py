"""The whole job: prepare, train, score, tag files.

python -m recipes.audio_tagging.demo
python -m recipes.audio_tagging.demo --esc50 ~/ESC-50-master

The second one trains and tests on each of the five folds of ESC-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from audio_rnn import config
from audio_rnn.cli import tag as tag_command
from audio_rnn.cli.shell import run_command
from audio_rnn.data.manifest import read_manifest
from recipes.audio_tagging import prepare_default, prepare_esc50
from recipes.audio_tagging.config import RecipeConfig
from recipes.audio_tagging.cross_validate import cross_validate
from recipes.audio_tagging.evaluate import Options as EvaluateOptions
from recipes.audio_tagging.evaluate import evaluate
from recipes.audio_tagging.train import train
from recipes.command import program

CONFIGS = Path("conf/audio_tagging")
FILES = 3  # to tag


@dataclass(frozen=True)
class Options:
    """The demonstration."""

    esc50: Path | None = None  # folder of the data set; synthetic sounds without it
    config: Path | None = None  # what to train: default.yaml or esc10.yaml unless given


def main() -> int:
    """Run all steps; what an earlier run has done is kept."""
    options = tyro.cli(Options, prog=program(), description=__doc__)
    console = Console(stderr=True, highlight=False)
    known = CONFIGS / ("esc10.yaml" if options.esc50 else "default.yaml")
    recipe = config.load(RecipeConfig, options.config or known)
    console.rule(f"1. Sounds, in {recipe.data}")
    prepare(options.esc50, recipe.data)
    if options.esc50:
        console.rule(f"2. Training and test, fold by fold, in {recipe.run_dir}")
        cross_validate(recipe)
        run_dir, manifest = recipe.run_dir / "fold1", recipe.data / "all.jsonl"
    else:
        console.rule(f"2. Training, history and curves in {recipe.run_dir}")
        train(recipe)
        run_dir, manifest = recipe.run_dir, recipe.data / "test.jsonl"
        console.rule("   Sounds that were not heard in training")
        evaluate(EvaluateOptions(run_dir, manifest))
    console.rule("3. Tagging files")
    return tag_some(run_dir, manifest, console)


def prepare(esc50: Path | None, output: Path) -> None:
    """Write sounds or manifests, unless they are there. Raises: InputError."""
    if (output / "classes.txt").exists():
        return
    if esc50:
        prepare_esc50.prepare(prepare_esc50.Options(esc50, output))
    else:
        prepare_default.prepare(prepare_default.Options(output))


def tag_some(run_dir: Path, manifest: Path, console: Console) -> int:
    """Tags of files that were not trained on; the exit status."""
    clips = [u for u in read_manifest(manifest) if u.fold in (None, 1)]
    files = [str(manifest.parent / u.source) for u in clips[:: max(1, len(clips) // FILES)]]
    command = [*files[:FILES], "--model", str(run_dir)]
    console.print(f"[bold]$ audio-rnn tag {' '.join(command)}[/]", soft_wrap=True)
    return tag_command.main(command)


if __name__ == "__main__":
    run_command(main)
