"""The whole job on the embedded default: prepare, train, score, transcribe.

python -m recipes.speech_recognition.demo
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from audio_rnn import config
from audio_rnn.cli import transcribe as transcribe_command
from audio_rnn.cli.shell import run_command
from audio_rnn.data.manifest import read_manifest
from audio_rnn.errors import ConfigError
from recipes.command import program
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.evaluate import Options as EvaluateOptions
from recipes.speech_recognition.evaluate import evaluate
from recipes.speech_recognition.prepare_default import Options as PrepareOptions
from recipes.speech_recognition.prepare_default import prepare
from recipes.speech_recognition.train import train


@dataclass(frozen=True)
class Options:
    """The demonstration."""

    config: Path = Path("conf/speech_recognition/default.yaml")  # what to train
    files: int = 3  # held-out recordings to transcribe


def main() -> int:
    """Run all steps; what an earlier run has done is kept."""
    options = tyro.cli(Options, prog=program(), description=__doc__)
    console = Console(stderr=True, highlight=False)
    recipe = config.load(RecipeConfig, options.config)
    if options.files < 1:
        raise ConfigError(f"--files: found {options.files}, expected 1 or more")

    console.rule("1. Commands spoken by espeak-ng in many voices")
    prepare(PrepareOptions(output=recipe.data))
    console.rule(f"2. Training ({options.config}), history and curves in {recipe.run_dir}")
    train(recipe)
    console.rule("3. Sentences and voices that were not heard in training")
    test = recipe.data / "test.jsonl"
    evaluate(EvaluateOptions(model=recipe.run_dir, manifest=test, worst=0))
    console.rule("4. Transcribing files")
    return transcribe_some(recipe, options.files, console)


def transcribe_some(recipe: RecipeConfig, count: int, console: Console) -> int:
    """Words with times on the terminal, and subtitles in the run folder."""
    utterances = read_manifest(recipe.data / "test.jsonl")
    files = [str(recipe.data / u.source) for u in utterances[:: max(1, len(utterances) // count)]][
        :count
    ]
    output = recipe.run_dir / "transcripts"
    subtitles = ["--format", "srt", "--output", str(output), "--overwrite"]
    for arguments in (["--format", "ctm"], subtitles):
        command = [*files, "--model", str(recipe.run_dir), *arguments]
        console.print(f"[bold]$ audio-rnn transcribe {' '.join(command)}[/]", soft_wrap=True)
        if status := transcribe_command.main(command):
            return status
        sys.stdout.flush()
    console.print(
        f"subtitles: {', '.join(str(path) for path in sorted(output.glob('*.srt')))}",
        soft_wrap=True,
    )
    return 0


if __name__ == "__main__":
    run_command(main)
