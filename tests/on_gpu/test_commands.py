"""The command line and the recipes with `--device cuda`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audio_rnn import config as configs
from audio_rnn.__main__ import main
from audio_rnn.data.manifest import write_manifest
from audio_rnn.data.rolls import write_rolls
from recipes.audio_tagging.evaluate import Options as SoundOptions
from recipes.audio_tagging.evaluate import evaluate as evaluate_sounds
from recipes.audio_tagging.train import train as train_sounds
from recipes.language_model import evaluate as texts
from recipes.language_model import prepare_default
from recipes.language_model.train import RecipeConfig as TextConfig
from recipes.language_model.train import train as train_texts
from recipes.music_generation import evaluate_rolls
from recipes.music_generation.train_rolls import RecipeConfig as RollConfig
from recipes.music_generation.train_rolls import train as train_rolls
from recipes.speech_recognition import prepare_folder
from recipes.speech_recognition.config import RecipeConfig as SpeechConfig
from recipes.speech_recognition.evaluate import Options as SpeechOptions
from recipes.speech_recognition.evaluate import evaluate as evaluate_speech
from recipes.speech_recognition.train import train as train_speech
from tests.data.test_rolls import random_roll
from tests.on_gpu.conftest import Gpu
from tests.recipes.test_audio_tagging import TINY, write_clips
from tests.small_model import causal_model, save_small_model, write_sounds
from tests.small_tagger import save_small_tagger, small_tagger

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, sounds, and a text."""
    folder = tmp_path_factory.mktemp("work")
    save_small_model(folder / "speech")
    save_small_model(folder / "live speech", causal_model())
    save_small_tagger(folder / "sounds")
    save_small_tagger(folder / "others", small_tagger(seed=8))
    save_small_tagger(folder / "live sounds", small_tagger(bidirectional=False))
    write_sounds(folder / "in", 1.0, 2.0)
    (folder / "text.txt").write_text("abc def\nghi\n")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "transcribe in --model speech --format json",
        "transcribe in --model speech --beam-width 5 --hotwords abc",
        "transcribe in/sound1.wav --model live+speech --stream",
        "align in/sound1.wav text.txt --model speech",
        "tag in --model sounds --also others --window 0.5",
        "detect in --model sounds",
        "detect in/sound1.wav --model live+sounds --stream",
    ],
)
def test_a_command_says_the_same(
    command: str,
    gpu: Gpu,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    words = [word.replace("+", " ") for word in command.split()]
    assert main([*words, "--device", "cpu"]) == 0
    expected = numbers_rounded(capsys.readouterr().out)
    with gpu():
        assert main([*words, "--device", "cuda"]) == 0
    assert numbers_rounded(capsys.readouterr().out) == expected
    assert expected


def numbers_rounded(text: str) -> str:
    return re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.2f}", text)


def on_gpu(config: Any, data: Path) -> Any:
    """The same training, of one epoch there."""
    training = replace(config.training, device="cuda", epochs=1, keep="last")
    return replace(config, data=data, run_dir=data / "run", training=training)


def test_the_recipe_of_speech(gpu: Gpu, tmp_path: Path) -> None:
    for path in write_sounds(tmp_path / "in", *[1.0 + 0.1 * n for n in range(12)]):
        path.with_suffix(".txt").write_text("abc def" if "1" in path.stem else "fed")
    prepare_folder.prepare(prepare_folder.Options(tmp_path / "in", tmp_path))
    config = configs.load(SpeechConfig, CONF / "speech_recognition" / "debug.yaml")
    config = replace(config, batches=replace(config.batches, workers=0))
    options = SpeechOptions(tmp_path / "run", tmp_path / "test.jsonl", "cuda")
    with gpu():
        train_speech(on_gpu(config, tmp_path))
        scores = evaluate_speech(options)
    assert scores == evaluate_speech(replace(options, device="cpu"))


def test_the_recipe_of_sounds(gpu: Gpu, tmp_path: Path) -> None:
    write_manifest(tmp_path / "all.jsonl", write_clips(tmp_path, 12, timed=True))
    options = SoundOptions(tmp_path / "run", tmp_path / "all.jsonl", 3, "cuda", tune=True)
    with gpu():
        train_sounds(replace(on_gpu(TINY, tmp_path), fold=3))
        scores = evaluate_sounds(options)
    assert evaluate_sounds(replace(options, device="cpu")) == pytest.approx(scores, abs=1e-3)


def test_the_recipe_of_texts(gpu: Gpu, tmp_path: Path) -> None:
    prepare_default.prepare(prepare_default.Options(tmp_path, 40, 8, 8))
    config = configs.load(TextConfig, CONF / "language_model" / "debug.yaml")
    options = texts.Options(tmp_path / "run", tmp_path / "test.txt", "cuda")
    with gpu():
        train_texts(on_gpu(config, tmp_path))
        likelihood = texts.evaluate(options)
    assert texts.evaluate(replace(options, device="cpu")).nats == pytest.approx(likelihood.nats)


@pytest.mark.parametrize("adapt", [0.0, 0.05])
def test_the_recipe_of_rolls(adapt: float, gpu: Gpu, tmp_path: Path) -> None:
    for name in ("train", "valid"):
        write_rolls(
            tmp_path / f"{name}.npz", {f"r{n}": random_roll(9 + n, seed=n) for n in range(3)}
        )
    config = configs.load(RollConfig, CONF / "music_generation" / "debug_roll.yaml")
    options = evaluate_rolls.Options(
        (tmp_path / "run",), tmp_path / "valid.npz", device="cuda", adapt=adapt
    )
    with gpu():
        train_rolls(on_gpu(config, tmp_path))
        there = evaluate_rolls.evaluate(options)
    here = evaluate_rolls.evaluate(replace(options, device="cpu"))
    for head, likelihood in here.items():
        assert there[head].frame == pytest.approx(likelihood.frame, rel=1e-4)
