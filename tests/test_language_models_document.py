"""docs/language_models.md: its commands and its Python, run as they stand; the output it shows."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

from audio_rnn.__main__ import main
from recipes.language_model import prepare_default

TEXT = (Path(__file__).parents[1] / "docs/language_models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def run(command: str) -> None:
    """A command of the document, in this process."""
    words = shlex.split(command)
    if words[0] == "echo":
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(words[1].encode())))
        words = words[words.index("|") + 1 :]
    if words[0].endswith("audio-rnn"):
        assert main(words[1:]) == 0
    else:
        assert words[1:4] == ["-m", "recipes.language_model.prepare_default", "--output"]
        prepare_default.prepare(prepare_default.Options(Path(words[4])))


def test_commands_and_python_print_what_is_shown(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", sys.stdin)
    commands = [command for block in blocks("sh") for command in block.splitlines()]
    assert len(commands) == 8
    for command in commands:
        run(command)
    printed = capfd.readouterr()
    trained, scored = blocks("text")
    assert scored in printed.out
    assert trained.splitlines()[-1] in printed.err
    [pruned] = re.findall(r"rises from 5.831 to ([\d.]+)\.", TEXT)
    assert f"perplexity                        {pruned}\n" in printed.out
    [code] = blocks("python")
    exec(compile(code, "docs/language_models.md", "exec"), {})
    assert re.fullmatch(r"(\S+ +-\d+\.\d{3}\n){5}", capfd.readouterr().out)
