"""The folder of one training: config, versions, command, history, curves; one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.config import differences, read_yaml, save, to_dict
from audio_rnn.errors import TrainingError

PACKAGES = ("audio-rnn", "torch", "torchaudio", "numpy", "soundfile", "librosa")

FREE = (  # fields that say where and how comfortably, not what: a run may go on with others
    *("training.device", "training.threads", "batches.workers", "training.tensorboard"),
    *("training.log_layers", "training.save_every"),
)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises TrainingError when another one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"{folder}: another training runs in this folder; choose another run_dir"
            ) from None
        yield


def describe_run(folder: Path, config: object) -> None:
    """Write config, versions, commit and command.

    Raises: TrainingError when the folder holds a run of another config, but for fields in FREE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    if path.exists():
        found = differences(read_yaml(path), to_dict(config)).items()
        changed = [f"{name}: {a!r} there, {b!r} now" for name, (a, b) in found if name not in FREE]
        if changed:
            raise TrainingError(
                f"{folder}: holds a run of another config ({', '.join(changed[:5])}); "
                "choose another run_dir, or delete the folder to start anew"
            )
    draft = folder / "config.yaml.part"
    save(config, draft)
    draft.replace(path)  # at once, so that a full disk leaves no broken one
    facts = {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }
    (folder / "run.json").write_text(json.dumps(facts, indent=1) + "\n")


def append_history(folder: Path, entry: dict[str, Any]) -> None:
    """One more line of history.jsonl."""
    with (folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def read_history(folder: Path) -> list[dict[str, Any]]:
    """All entries of history.jsonl, but for a line that a crash or a full disk cut off."""
    path = folder / "history.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def cut_history(folder: Path, step: int) -> None:
    """Drop entries after `step`, which a resumed run will write again."""
    kept = [entry for entry in read_history(folder) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    path = folder / "history.jsonl"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        storage.write_text(path, text)


def _commit() -> str | None:
    here = Path(__file__).parent
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return run.stdout.strip() or None
