"""docs/alignment.md: its commands and its Python, run as they stand on a small model."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.inference.aligner import Aligner
from tests.inference.test_aligner import heard_lines, save_reader
from tests.small_model import write_sounds

DOCUMENT = Path(__file__).parents[1] / "docs/alignment.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
    for command in block.splitlines()
    if command.startswith(".venv/bin/audio-rnn align")
]


@pytest.fixture
def lines(tmp_path, monkeypatch) -> list[str]:
    """What the document takes for granted, in the present folder; the lines of the text."""
    monkeypatch.chdir(tmp_path)
    write_sounds(Path(), 12.0, extension=".flac")[0].rename("talk.flac")
    save_reader(Path("runs/default"))
    found = heard_lines(Aligner.load(Path("runs/default"), device="cpu"), Path("talk.flac"))
    Path("talk.txt").write_text("\n".join(found) + "\n", encoding="utf-8")
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_find_the_text(lines, capsys, command):
    arguments = shlex.split(command)[1:]
    if "--text" in arguments:  # of the document's model
        arguments[arguments.index("--text") + 1] = lines[0]
    assert main(arguments) == 0
    assert "0 dropped" in capsys.readouterr().err
    if "--output" in arguments:
        assert len(list(Path("aligned").iterdir())) == 7
    if "--plot" in arguments:
        assert Path("picture.png").stat().st_size > 10_000


def test_there_are_commands():
    assert len(COMMANDS) == 4


def test_the_python_prints_utterances(lines, capsys):
    [code] = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    exec(compile(code, "docs/alignment.md", "exec"), {})
    printed = capsys.readouterr().out
    assert all(line in printed for line in lines)
