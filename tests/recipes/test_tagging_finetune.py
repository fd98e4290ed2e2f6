"""Taggers that begin with another: what they take, what they refuse, how they start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.errors import ConfigError
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.transfer import begin_sound
from recipes.audio_tagging.config import RecipeConfig, from_arguments
from recipes.audio_tagging.evaluate import Options, evaluate
from recipes.audio_tagging.train import train
from tests.recipes.test_audio_tagging import HERTZ, TINY, write_clips

STILL = replace(TINY.training, epochs=1, rate=1e-9, keep="last")  # weights stay as they begin


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    whole = write_clips(folder, 30)
    write_manifest(folder / "train.jsonl", whole[:20])
    write_manifest(folder / "test.jsonl", whole[20:])
    return folder


@pytest.fixture(scope="module")
def parent(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned to tell the tones apart."""
    run_dir = tmp_path_factory.mktemp("parent")
    train(run_of(clips, run_dir, training=replace(TINY.training, keep="last")))
    assert accuracy(run_dir, clips) == 1
    return run_dir


def run_of(data: Path, run_dir: Path, **change: object) -> RecipeConfig:
    return replace(TINY, data=data, run_dir=run_dir, **change)  # type: ignore[arg-type]


def accuracy(run_dir: Path, data: Path) -> float:
    return evaluate(Options(run_dir, data / "test.jsonl", device="cpu"))["accuracy"]


def relabelled(data: Path, folder: Path, names: dict[str, str]) -> Path:
    """The same clips, of which other classes are told; `names` in the order of the outputs."""
    Classes(tuple(names.values())).save(folder / "classes.txt")
    (folder / "audio").symlink_to(data / "audio")
    for path in data.glob("*.jsonl"):
        write_manifest(folder / path.name, [_renamed(u, names) for u in read_manifest(path)])
    return folder


def _renamed(clip: Utterance, names: dict[str, str]) -> Utterance:
    return replace(clip, tags=tuple(names[tag] for tag in clip.tags or ()))


def test_a_training_goes_on_from_what_its_parent_hears(
    clips: Path, parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_of(clips, tmp_path / "tuned", init=parent, training=STILL)
    train(config)
    assert accuracy(tmp_path / "tuned", clips) == 1
    tuned, own = (SoundModel.load(run).state_dict() for run in (tmp_path / "tuned", parent))
    assert torch.equal(tuned["features.normalizer.mean"], own["features.normalizer.mean"])
    told = "its features, statistics and weights; of the output 2 classes, 0 new, 0 left behind"
    assert told in capsys.readouterr().err
    train(run_of(clips, tmp_path / "untuned", training=STILL))
    assert accuracy(tmp_path / "untuned", clips) < 1


def test_classes_keep_their_outputs_in_another_order(
    clips: Path, parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    low, high = HERTZ
    classes = Classes((high, "never heard", low))
    known = SoundModel.load(parent)
    model = SoundModel(known.config, classes)
    assert begin_sound(model, parent).new == ("never heard",)
    own, theirs = (m.tagger.output for m in (model, known))
    assert torch.equal(own.weight[[2, 0, 5, 3]], theirs.weight)  # scores, then attention
    assert torch.equal(own.bias[[2, 0, 5, 3]], theirs.bias)
    textures = [m.tagger.texture for m in (model, known) if m.tagger.texture is not None]
    assert torch.equal(textures[0].output.weight[[2, 0]], textures[1].output.weight)
    assert torch.equal(textures[0].variance, textures[1].variance)
    (tmp_path / "data").mkdir()
    data = relabelled(clips, tmp_path / "data", {high: high, low: "another"})
    train(run_of(data, tmp_path / "run", init=parent, training=STILL))
    assert "1 classes, 1 new ('another'), 1 left behind ('low, deep')" in capsys.readouterr().err


def test_the_config_is_that_of_the_parent(parent: Path, clips: Path, tmp_path: Path) -> None:
    arguments = ["--init", str(parent), "--model.tagger.pooling", "max", "--data", str(clips)]
    found = from_arguments("", arguments)
    assert found.model == replace(TINY.model, tagger=replace(TINY.model.tagger, pooling="max"))
    other = [*arguments, "--model.tagger.recurrent.hidden", "9", "--run-dir", str(tmp_path)]
    with pytest.raises(ConfigError, match=r"model\.tagger\.recurrent\.hidden: found 9, expected 8"):
        train(from_arguments("", other))
    share, run = "--model.tagger.texture.share", ["--run-dir", str(tmp_path / "shares")]
    train(replace(from_arguments("", [*arguments, *run, share, "0.1"]), training=STILL))
    with pytest.raises(ConfigError, match=r"texture\.share: found 0\.0, expected 0\.3"):
        train(from_arguments("", [*arguments, "--run-dir", str(tmp_path), share, "0"]))
