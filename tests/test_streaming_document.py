"""docs/streaming.md: its commands and its Python, run as they stand on small models."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.features import FeatureConfig
from tests.small_model import causal_model, save_small_model, small_model, write_sounds

TEXT = (Path(__file__).parents[1] / "docs/streaming.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
    for command in block.splitlines()
    if "audio-rnn transcribe --stream" in command and "--microphone" not in command
]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """What the document takes for granted, in the present folder."""
    monkeypatch.chdir(tmp_path)
    write_sounds(Path("recordings"), 0.1, 3.0)[1].rename("recordings/1.wav")
    save_small_model(Path("runs/default_causal"), causal_model("none"))
    both = small_model(features=FeatureConfig(normalization="global"))
    both.features.normalizer.mean.zero_()
    both.features.normalizer.deviation.fill_(10)
    save_small_model(Path("runs/both"), both)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_write_text(folder, monkeypatch, capsys, command):
    *source, stream = command.split(" | ")
    data = subprocess.run(["bash", "-c", *source], capture_output=True).stdout if source else b""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(shlex.split(stream)[1:]) == 0
    printed = capsys.readouterr()
    assert len(printed.out) > 10
    assert "3.0 s of sound" in printed.err


def test_there_are_commands():
    assert len(COMMANDS) == 5


def test_the_python_prints_partial_and_final_text(folder, capsys):
    [code] = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    exec(compile(code, "docs/streaming.md", "exec"), {})
    kinds = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "partial" in kinds
    assert kinds[-1] == "final"
