"""docs/networks.md: its Python prints what is shown, its commands train, its files exist."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from audio_rnn.runs.history import read_history
from recipes.language_model import prepare_default, train

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/networks.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def test_python_prints_what_is_shown(capsys):
    values: dict[str, object] = {}
    shown = blocks("text")
    assert len(shown) == 3
    for code, expected in zip(blocks("python"), shown, strict=True):
        exec(compile(code, "docs/networks.md", "exec"), values)
        assert _rounded(capsys.readouterr().out) == _rounded(expected)


def _rounded(text: str) -> str:
    """Without the last digit of powers, which hangs on the processor."""
    return re.sub(r"\de([+-]\d+)", r"e\1", text)


def test_the_commands_train_and_show_the_gradient_of_each_weight(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    prepare, training, _ = [shlex.split(line) for line in blocks("sh")[0].splitlines()]
    assert prepare[2:4] == ["recipes.language_model.prepare_default", "--output"]
    prepare_default.prepare(prepare_default.Options(Path(prepare[4]), train_sentences=200))
    assert training[2] == "recipes.language_model.train"
    monkeypatch.setattr(sys, "argv", training[2:])
    train.main()
    [*_, last] = [e for e in read_history(Path("runs/elman")) if "rate" in e]
    norms = {name: value for name, value in last.items() if name.startswith("grad_norm.")}
    assert any("weight_hh" in name for name in norms) and all(n >= 0 for n in norms.values())


def test_the_files_that_it_names_exist():
    names = re.findall(r"`((?:models|tests)/[\w/]+\.py)`", TEXT)
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists() or (ROOT / "audio_rnn" / name).exists(), name
