"""Recipe scripts as people type them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from audio_rnn.data.shards import SUFFIX


def program() -> str:
    """How the script that runs was called, for usage lines: python -m MODULE."""
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else Path(sys.argv[0]).name


def suggest_evaluation(
    recipe: str, run_dir: Path, option: str, data: Path, suffix: str, source: str | None = None
) -> None:
    """Print the command that scores a trained model: on the test set, if there is one.

    `source` is where shards lie, if not beside their index.
    """
    files = [data / f"{split}{end}" for split in ("test", "valid") for end in (suffix, SUFFIX)]
    path = next((file for file in files if file.exists()), None)
    if path is None:
        print(
            f"{data}: has no data to test or validate with, so no score is known", file=sys.stderr
        )
        return
    elsewhere = ["--source", source] if source and path.name.endswith(SUFFIX) else []
    suggest(f"recipes.{recipe}.evaluate", "--model", run_dir, option, path, *elsewhere)


def suggest(script: str, *arguments: object) -> None:
    """Print a command that comes next."""
    interpreter, here = Path(sys.executable), Path.cwd()
    inside = interpreter.is_relative_to(here)  # .venv/bin/python, which no one else has
    python = str(interpreter.relative_to(here)) if inside else "python"
    print(f"next: {shlex.join([python, '-m', script, *map(str, arguments)])}", file=sys.stderr)
