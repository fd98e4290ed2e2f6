"""docs/music.md: its commands and its Python, run as they stand."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

from audio_rnn import config as configs
from audio_rnn.__main__ import main
from audio_rnn.midi.files import read_piece
from audio_rnn.midi.symbols import event_vocabulary
from recipes.music_generation import prepare_default
from recipes.music_generation.train import RecipeConfig, train

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/music.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def run(command: str) -> None:
    """A command of the document, in this process."""
    words = shlex.split(command)
    if words[0].endswith("audio-rnn"):
        assert main(words[1:]) == 0
    elif words[2].endswith("prepare_default"):
        values = dict(zip(words[3::2], words[4::2]))
        sizes = (int(values[f"--{split}-tunes"]) for split in ("train", "valid", "test"))
        prepare_default.prepare(prepare_default.Options(Path(values["--output"]), *sizes))
    else:
        assert words[2:4] == ["recipes.music_generation.train", "--config"]
        train(replace(configs.load(RecipeConfig, ROOT / words[4])))


def test_commands_and_python_do_what_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in [command for block in blocks("sh") for command in block.splitlines()]:
        run(command)
    tunes = [read_piece(f"tune-{n}.mid") for n in (1, 2)]
    for tune in tunes:
        assert (tune.keys[0].name, tune.tempos[0].bpm, len(list(tune.bars()))) == ("G", 100, 8)
    more = read_piece("more.mid")
    assert set(tunes[0].voices[0].notes) <= set(more.voices[0].notes)
    assert len(list(more.bars())) == 12
    assert read_piece("harmony.mid").voices[0] == tunes[0].voices[0]
    assert Path("more.wav").exists()
    assert Path("more.png").exists()
    capsys.readouterr()
    [code] = blocks("python")
    exec(compile(code, "docs/music.md", "exec"), {})
    assert capsys.readouterr().out == blocks("text")[0]


def test_every_symbol_in_the_table_exists():
    table = TEXT.split("| symbol | says |")[1].split("\n\n")[0]
    symbols = [word for cell in re.findall(r"`([^`]+)`", table) for word in cell.split()]
    assert len(symbols) > 15
    assert set(symbols) <= event_vocabulary().ids.keys()
