"""Recipes by several processes learn what they learn by one, where nothing is drawn at random."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from audio_rnn import config as configs
from audio_rnn import storage
from audio_rnn.classes import Classes
from audio_rnn.config import from_dict
from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.models import texture
from audio_rnn.runs.history import read_history
from recipes.audio_tagging import train as tagging
from recipes.music_generation import prepare_default as tunes
from recipes.music_generation import train as music
from recipes.speech_recognition import prepare_default as sentences
from recipes.speech_recognition import train as speech
from tests.recipes.test_audio_tagging import HERTZ, make_sound

REPO = Path(__file__).parents[2]
LAYERS = {"cell": "gru", "hidden": 8, "layers": 1, "dropout": 0.0}


def sounds(folder: Path) -> dict[str, Any]:
    """Clips of different lengths, in batches of 6, 5 and 2, which one of three processes has none of."""
    Classes(tuple(HERTZ)).save(folder / "classes.txt")
    clips = []
    for n in range(17):
        label, seconds = [*HERTZ][n % 2], 0.8 + n / 16
        make_sound(folder / f"{n}.wav", label, n, seconds)
        clips.append(Utterance(f"c{n}", seconds, f"{n}.wav", tags=(label,), recording=f"r{n}"))
    write_manifest(folder / "train.jsonl", clips[:13])
    write_manifest(folder / "valid.jsonl", clips[13:])
    blocks = {"channels": [4], "time_pooling": [2], "frequency_pooling": [2], "dropout": 0.0}
    networks = {"convolution": blocks, "recurrent": LAYERS, "dropout": 0.0}
    texture = {"share": 0.3, "dropout": 0.0}
    features = {"sample_rate": 8000, "n_mels": 16, "normalization": "global"}
    model = {"features": features, "tagger": {**networks, "texture": texture}}
    return {"model": model, "batches": {"seconds": 7.8}}


def spoken(folder: Path) -> dict[str, Any]:
    """Some of the embedded sentences."""
    sentences.prepare(sentences.Options(folder, 14, 3, 3))
    acoustic = {"stride": 3, "dropout": 0.0, "recurrent": LAYERS}
    return {"model": {"acoustic": acoustic}, "batches": {"seconds": 20}}


def played(folder: Path) -> dict[str, Any]:
    """Some of the embedded tunes."""
    tunes.prepare(tunes.Options(folder, 10, 3, 3))
    return {"model": {"embedding": 8, **LAYERS}, "batches": {"symbols": 2000}}


RECIPES: dict[str, tuple[Any, Callable[[Path], dict[str, Any]]]] = {
    "speech": (speech, spoken),
    "sounds": (tagging, sounds),
    "music": (music, played),
}


def train(folder: Path) -> None:
    """What a process does. A texture drops inputs also where a config drops nothing."""
    runs = folder / os.environ.get("WORLD_SIZE", "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture, "INPUT_DROPOUT", 0.0)
        for name, (recipe, _) in RECIPES.items():
            config = configs.load(recipe.RecipeConfig, folder / f"{name}.yaml")
            recipe.train(replace(config, run_dir=runs / name))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of all recipes, by one process and by three."""
    folder = tmp_path_factory.mktemp("torchrun")
    training = {"epochs": 2, "optimizer": "sgd", "rate": 0.1, "warmup": 0.0}
    for name, (recipe, prepare) in RECIPES.items():
        data = folder / name
        data.mkdir()
        described = {**prepare(data), "data": data, "training": {**training, "device": "cpu"}}
        configs.save(from_dict(recipe.RecipeConfig, described), folder / f"{name}.yaml")
    train(folder)
    several = ["torch.distributed.run", "--standalone", "--nproc-per-node=3", "-m", __name__]
    command = [sys.executable, "-m", *several, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_three_processes_learn_what_one_does(name: str, trained: Path) -> None:
    ours, theirs = (trained / processes / name for processes in "13")
    for a, b in zip(read_history(ours), read_history(theirs), strict=True):
        assert a.keys() == b.keys()
        assert [*a.values()] == pytest.approx([*b.values()], rel=1e-4)
    first, second = (storage.load(run / "model", "model")[1] for run in (ours, theirs))
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=1e-4, atol=1e-5)


if __name__ == "__main__":
    train(Path(sys.argv[1]))
