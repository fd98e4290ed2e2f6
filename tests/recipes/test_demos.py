"""Whole recipes by one command each: music and sounds; that of speech is run by the README's test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from recipes.audio_tagging import demo as sounds
from recipes.audio_tagging import prepare_default as prepare_sounds
from recipes.music_generation import demo as music
from recipes.music_generation import prepare_default as prepare_tunes
from tests.recipes.test_prepare_sounds_esc50 import corpus

__all__ = ["corpus"]  # a fixture
TAGGER = {
    "convolution": {"channels": [4], "time_pooling": [4], "frequency_pooling": [8]},
    "recurrent": {"cell": "gru", "hidden": 4, "layers": 1},
}


def config(folder: Path, **sections: object) -> str:
    """A small training of one epoch, as a file."""
    whole = {"data": str(folder / "data"), "run_dir": str(folder / "run"), **sections}
    path = folder / "small.yaml"
    path.write_text(
        yaml.safe_dump({**whole, "training": {"epochs": 1, "keep": "last", "device": "cpu"}})
    )
    return str(path)


def call(demo: object, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    return demo.main()  # type: ignore[attr-defined]


def test_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    small = config(tmp_path, model={"embedding": 8, "hidden": 16})
    monkeypatch.setattr(
        music,
        "prepare",
        lambda _, output: prepare_tunes.prepare(prepare_tunes.Options(output, 8, 2, 2)),
    )
    assert call(music, monkeypatch, "--config", small, "--count", "2") == 0
    assert {"tune.mid", "tune.wav", "tune.png"} <= {p.name for p in (tmp_path / "run").iterdir()}
    assert "2 of 2 files are valid" in capsys.readouterr().out


def test_tunes_that_are_there_are_kept(tmp_path: Path) -> None:
    prepare_tunes.prepare(prepare_tunes.Options(tmp_path, 2, 1, 1))
    before = (tmp_path / "train.jsonl").read_bytes()
    music.prepare(None, tmp_path)
    assert (tmp_path / "train.jsonl").read_bytes() == before


def test_sounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    prepare_sounds.prepare(prepare_sounds.Options(tmp_path / "data", train=16, valid=8, test=8))
    small = config(tmp_path, model={"tagger": TAGGER})
    assert call(sounds, monkeypatch, "--config", small) == 0
    printed = capsys.readouterr()
    assert "accuracy" in printed.out and printed.out.count("test-0") == 3


def test_all_folds_of_esc10(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    small = config(tmp_path, model={"tagger": TAGGER})
    assert call(sounds, monkeypatch, "--config", small, "--esc50", str(corpus)) == 0
    printed = capsys.readouterr().out
    assert "deviation" in printed and "1-1000-A-0.wav" in printed
