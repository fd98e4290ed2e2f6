"""Two trainings started in one folder: the second is refused, whatever the first is doing."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audio_rnn import config as configs
from audio_rnn.data.manifest import write_manifest
from audio_rnn.data.rolls import write_rolls
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import TrainingError
from audio_rnn.runs import folder as folders
from recipes.audio_tagging import train as tagging
from recipes.language_model import prepare_default as sentences
from recipes.language_model import train as text
from recipes.music_generation import prepare_default as tunes
from recipes.music_generation import train as music
from recipes.music_generation import train_rolls as rolls
from recipes.speech_recognition import prepare_default as spoken
from recipes.speech_recognition import train as speech
from tests.recipes.prepared import files
from tests.recipes.test_audio_tagging import TINY, write_clips
from tests.recipes.test_piano_rolls import triads

REPO = Path(__file__).parents[2]
ASLEEP = """
import sys, time
from recipes.speech_recognition import train
def measuring(*_):
    print("measuring", flush=True)
    time.sleep(600)
train.measure_statistics = measuring
train.main()
"""


def of_speech(data: Path) -> Any:
    spoken.prepare(spoken.Options(data, 8, 2, 2))
    config = debug(speech, "speech_recognition/debug")
    features = replace(config.model.features, normalization="global")
    batches = replace(config.batches, workers=0)
    model = replace(config.model, features=features)
    return replace(config, model=model, batches=batches)


def of_sounds(data: Path) -> Any:
    data.mkdir()
    clips = write_clips(data, 8)
    for split in ("train", "valid"):
        write_manifest(data / f"{split}.jsonl", clips)
    return TINY


def of_text(data: Path) -> Any:
    sentences.prepare(sentences.Options(data, 30, 5, 5))
    return debug(text, "language_model/debug")


def of_music(data: Path) -> Any:
    tunes.prepare(tunes.Options(data, 4, 2, 2))
    return debug(music, "music_generation/debug")


def of_rolls(data: Path) -> Any:
    data.mkdir()
    for split in ("train", "valid"):
        write_rolls(data / f"{split}.npz", {"one": triads(20, 0)[:, None]})
    return debug(rolls, "music_generation/debug_roll")


def debug(recipe: ModuleType, name: str) -> Any:
    return configs.load(recipe.RecipeConfig, REPO / f"conf/{name}.yaml")


def free(run: Path) -> bool:
    """Whether no process holds a folder."""
    with (run / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.parametrize(
    ("recipe", "prepare"),
    [
        (tagging, of_sounds),
        (text, of_text),
        (music, of_music),
        (rolls, of_rolls),
    ],
)
def test_a_run_holds_its_folder_from_its_first_file_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: ModuleType, prepare: Any
) -> None:
    """Another start comes when the first has written all and measures its data, or is about to
    train; then the first is interrupted."""
    config = replace(prepare(tmp_path / "data"), data=tmp_path / "data", run_dir=tmp_path / "run")
    other = replace(config, training=replace(config.training, rate=0.5))

    def interrupted(*_: object) -> None:
        written = files(config.run_dir)
        assert written.keys() >= {"config.yaml", "run.json", "train.sha256"}
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(folders, "HELD", set())  # as in another process
            elsewhere.setattr(*moment, lambda *_: pytest.fail("came that far"))
            with pytest.raises(TrainingError, match="another training runs in this folder"):
                recipe.train(other)
        assert files(config.run_dir) == written
        raise KeyboardInterrupt

    measures = hasattr(recipe, "measure_statistics")
    moment = (recipe, "measure_statistics") if measures else (Trainer, "fit")
    monkeypatch.setattr(*moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        recipe.train(config)
    assert free(config.run_dir)


def test_a_killed_run_leaves_its_folder_free(tmp_path: Path) -> None:
    """Two real processes: the first is killed while it measures its data."""
    config = replace(of_speech(tmp_path / "data"), data=tmp_path / "data", run_dir=tmp_path / "run")
    configs.save(config, tmp_path / "config.yaml")
    arguments = ["--config", str(tmp_path / "config.yaml")]
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    with subprocess.Popen(
        [sys.executable, "-c", ASLEEP, *arguments], stdout=subprocess.PIPE, env=environment
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == b"measuring\n"
        written = files(config.run_dir)
        with pytest.raises(TrainingError, match="another training runs in this folder"):
            speech.train(replace(config, training=replace(config.training, rate=0.5)))
        assert files(config.run_dir) == written
        first.send_signal(signal.SIGKILL)
    assert free(config.run_dir)
