"""Recipe scripts as people type them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from audio_rnn.data.shards import index_path


def program() -> str:
    """How the script that runs was called, for usage lines: python -m MODULE."""
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else Path(sys.argv[0]).name


def suggest_evaluation(recipe: str, run_dir: Path, option: str, data: Path, suffix: str) -> None:
    """Print the command that scores a trained model: on the test set, if there is one."""
    interpreter, here = Path(sys.executable), Path.cwd()
    inside = interpreter.is_relative_to(here)  # .venv/bin/python, which no one else has
    python = str(interpreter.relative_to(here)) if inside else "python"
    there = (data / f"test{suffix}").exists()
    path = data / f"{'test' if there else 'valid'}{suffix}"
    if index_path(data, "train").exists():
        return  # shards are for training alone
    script = f"recipes.{recipe}.evaluate"
    command = [python, "-m", script, "--model", str(run_dir), option, str(path)]
    print(f"next: {shlex.join(command)}", file=sys.stderr)
