"""What a run folder tells of its origin: the config, and of each start versions, commit and command."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from audio_rnn import storage
from audio_rnn.config import save
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import TrainingError

PACKAGES = ("audio-rnn", "torch", "torchaudio", "numpy", "soundfile", "librosa")


def write_facts(folder: Path, config: object, process: Process, begun: bool) -> None:
    """Write config.yaml and run.json: the facts of this start and, of a run that had begun, those of
    the `earlier` ones, the first of them first.

    Raises: TrainingError for a run.json that no training wrote, OSError.
    """
    path = folder / "run.json"
    earlier = _starts(path) if begun and path.exists() else []
    save(config, folder / "config.yaml")
    facts = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "device": _told(process.device),
        "processes": process.world,
        "earlier": earlier,
    }
    storage.write_text(path, json.dumps(facts, indent=1) + "\n")


def _starts(path: Path) -> list[dict[str, Any]]:
    """All starts of a run until now, of which an older toolkit has kept the last."""
    try:
        last = json.loads(path.read_bytes())
        return [*last.pop("earlier", []), last]
    except (ValueError, AttributeError, TypeError) as error:
        raise TrainingError(
            f"{path}: found no facts of a run, expected what training wrote; delete it, and the "
            "run goes on without those of its earlier starts"
        ) from error


def _told(device: torch.device) -> str:
    """Such as "cpu" or "cuda:0, NVIDIA H200"."""
    if device.type == "cuda":
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return str(device)


def _commit() -> str | None:
    """None outside a checkout, or without git."""
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:
        return None
    return run.stdout.strip() or None
