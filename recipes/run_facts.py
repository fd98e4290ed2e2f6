"""What a run folder tells of its origin: config, versions, commit and command."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from audio_rnn import storage
from audio_rnn.config import save

PACKAGES = ("audio-rnn", "torch", "torchaudio", "numpy", "soundfile", "librosa")


def write_facts(folder: Path, config: object) -> None:
    """Write config.yaml and run.json. Raises: OSError."""
    save(config, folder / "config.yaml")
    facts = {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }
    storage.write_text(folder / "run.json", json.dumps(facts, indent=1) + "\n")


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
