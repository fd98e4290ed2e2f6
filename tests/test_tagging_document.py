"""docs/tagging.md: its commands and its Python, run as they stand, from the training on."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.audio import read_audio, write_audio

REPO = Path(__file__).parents[1]
TEXT = (REPO / "docs/tagging.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
    for line in block.splitlines()
]
RECIPES = [line for line in LINES if "python -m recipes" in line]
COMMANDS = [line for line in LINES if "audio-rnn" in line]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder in which the recipe's commands have run."""
    folder = tmp_path_factory.mktemp("tagging")
    for name in ("conf", ".venv"):
        (folder / name).symlink_to(REPO / name)
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    for line in RECIPES:
        subprocess.run(shlex.split(line), cwd=folder, env=environment, check=True)
    audio = folder / "data/debug_sounds/audio"
    (folder / "recordings").mkdir()
    write_audio(folder / "recordings/1.wav", read_audio(audio / "test-00000.flac", 16000), 16000)
    return folder


@pytest.fixture
def folder(trained, monkeypatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_write_what_they_say(folder, monkeypatch, capsys, command):
    source, _, last = command.rpartition(" | ")
    data = (folder / "recordings/1.wav").read_bytes() if source else b""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(shlex.split(last)[1:]) == 0
    printed = capsys.readouterr()
    assert "0 failed" in printed.err or "10.0 s of sound" in printed.err
    if "--output" in command:
        assert len(list(Path("events").iterdir())) == 2 * 32
    elif "--stream" not in command:
        assert printed.out
    if "--plot" in command:
        assert Path("picture.png").stat().st_size > 10_000


def test_there_are_commands():
    assert (len(RECIPES), len(COMMANDS)) == (2, 8)


def test_the_python_prints_tags_and_a_failure(folder, capsys):
    [code] = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    exec(compile(code, "docs/tagging.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "Window(onset=5.0, offset=10.0" in printed
    assert "Failure(path='missing.wav'" in printed
