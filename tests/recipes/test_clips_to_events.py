"""The way that the recipe's README shows from clips, or labels of Audacity, to events: every command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.__main__ import main
from audio_rnn.audio import write_audio
from recipes.audio_tagging.label_tracks import read_labels
from recipes.audio_tagging.synthesis import RATE, synthesise

REPO = Path(__file__).parents[2]
TEXT = (REPO / "recipes/audio_tagging/README.md").read_text(encoding="utf-8")
[SECTION] = re.findall(r"^## From clips to events.*?\n(.*?)^## ", TEXT, re.M | re.S)
COMMANDS = re.findall(r"^    (.*)$", SECTION, re.M)
SMALL = {  # what makes a toy of the real thing
    "prepare_soundscapes": "--train-scenes 8 --valid-scenes 2 --test-scenes 1 --seconds 3 "
    "--event-seconds 0.25 1",
    "train": "--training.epochs 1",
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder as a user has it, with clips, places, and a labelled recording."""
    draw = np.random.default_rng(0)
    (tmp_path / "conf").symlink_to(REPO / "conf")
    sounds = [(label, f"{n}") for label in ("alarm", "bird") for n in range(4)]
    for label, name in sounds:
        path = tmp_path / f"clips/{label}/{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, synthesise(label, 1.0, draw).astype(np.float32) / 4, RATE)
    for name in ("places/yard.wav", "recordings/yard.wav", "recording.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        seconds = 70 if "recordings" in name else 12
        write_audio(tmp_path / name, draw.normal(0, 0.01, seconds * RATE).astype(np.float32), RATE)
    (tmp_path / "recordings/yard.txt").write_text("1.5\t2.0\talarm\n31\t33\tbird\n65\t66\talarm\n")
    return tmp_path


def test_every_command_of_the_way_runs(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own)
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    *recipes, detect, labelled = COMMANDS
    for command in [*recipes, labelled]:
        [script] = re.findall(r"^python -m recipes\.audio_tagging\.(\w+) ", command)
        command = command.replace("soundscapes.yaml", "debug.yaml")
        words = shlex.split(f"{command} {SMALL.get(script, '')}")
        done = subprocess.run(
            [sys.executable, *words[1:]], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if script == "train":
            told = re.findall(r"^next: (.*)$", done.stderr, re.M)
            assert [("--tune" in line, Path(line.split()[6]).stem) for line in told] == [
                (True, "valid"), (False, "test"),
            ]  # fmt: skip
    assert main(shlex.split(detect)[1:]) == 0
    assert Path("runs/mine/model/detection.json").exists()
    read_labels(Path("events/recording.labels.txt"))
    assert Path("events.png").stat().st_size > 10_000
