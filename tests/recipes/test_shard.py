"""Folders into shards, other people's shards, and training from both."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audio_rnn import config as configs
from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.data.samples import describe
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shards import index_path, read_index
from audio_rnn.data.tar import read_samples
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import InputError, ManifestError, TrainingError
from audio_rnn.models.folder import read_model
from audio_rnn.runs.signals import Interrupted
from recipes import index_shards, shard
from recipes.audio_tagging import evaluate as evaluate_tagger
from recipes.audio_tagging import loading
from recipes.audio_tagging import prepare_default as prepare_sounds
from recipes.audio_tagging.config import RecipeConfig as SoundRecipe
from recipes.audio_tagging.sharded import Heard
from recipes.audio_tagging.train import train as train_tagger
from recipes.speech_recognition import evaluate, prepare_default
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.train import train

REPO = Path(__file__).parents[2]
CLIP = Utterance("a", 1.0, audio="a.wav")
DEBUG = REPO / "conf" / "speech_recognition" / "debug.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small embedded corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    options = prepare_default.Options(
        folder, train_utterances=24, valid_utterances=6, test_utterances=6
    )
    prepare_default.prepare(options)
    return folder


@pytest.fixture(scope="module")
def shards(folder, tmp_path_factory) -> Path:
    """The same in shards of ten seconds."""
    output = tmp_path_factory.mktemp("shards")
    shard.prepare(shard.Options(folder, output, seconds=10.0))
    return output


def debug(shards: Path, run_dir: Path, lanes: int = 2, **training: object) -> RecipeConfig:
    config = configs.load(RecipeConfig, DEBUG)
    return replace(
        config,
        data=shards,
        run_dir=run_dir,
        batches=replace(config.batches, seconds=12.0, workers=0),
        shards=replace(config.shards, lanes=lanes, buffer=15.0),
        training=replace(config.training, **training),
    )


def test_every_line_of_every_manifest_is_in_a_shard_with_its_sound(folder, shards, capsys):
    for split in shard.SPLITS:
        index = read_index(index_path(shards, split))
        found = {}
        for name in index.names:
            for sample in read_samples(index.source, name):
                found[describe(sample, 9.9).id] = sample
        lines = read_manifest(folder / f"{split}.jsonl")
        assert found.keys() == {line.id for line in lines}
        for line in lines:
            sample = found[line.id]
            told = replace(describe(sample, 9.9), audio=line.audio)
            assert told == line
            assert sample.parts["flac"] == (folder / line.source).read_bytes()
    assert (shards / "vocabulary.txt").read_text() == (folder / "vocabulary.txt").read_text()
    assert set(known_words(shards)) == {
        word for u in read_manifest(folder / "train.jsonl") for word in (u.text or "").split()
    }


def known_words(folder: Path) -> tuple[str, ...]:
    """Those of the language model that lies there, `<s>` and the like left out."""
    return NgramModel.load(folder / "words.arpa").words[3:]


def test_training_from_shards_goes_on_in_the_middle_of_an_epoch(shards, tmp_path, monkeypatch):
    train(debug(shards, tmp_path / "whole"))
    epoch = ShardBatches.epoch

    def stopping(self: ShardBatches, number: int, start: int = 0) -> Iterator[object]:
        for i, batch in enumerate(epoch(self, number, start), start):
            if (number, i, start) == (2, 2, 0):
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(ShardBatches, "epoch", stopping)
        with pytest.raises(Interrupted):
            train(debug(shards, tmp_path / "parts"))
    train(replace(debug(shards, tmp_path / "parts"), data=shards))
    assert "going on at epoch 2, step 8" in (tmp_path / "parts" / "train.log").read_text()
    whole, parts = (read_model(tmp_path / run, "speech").weights for run in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert known_words(tmp_path / "whole") == known_words(shards)
    with pytest.raises(TrainingError, match=r"shards\.lanes: 2 there, 1 now"):
        train(debug(shards, tmp_path / "parts", lanes=1))


def test_shards_of_others_get_an_index_and_a_vocabulary(folder, shards, tmp_path):
    (tmp_path / "train").mkdir()
    for path in (shards / "train").iterdir():
        (tmp_path / "train" / path.name).write_bytes(path.read_bytes())
    index_shards.prepare(index_shards.Options(tmp_path))
    made, ours = (read_index(index_path(where, "train")) for where in (tmp_path, shards))
    assert made.names == ours.names
    for a, b in zip(made.durations, ours.durations, strict=True):
        assert a.tolist() == pytest.approx(b.tolist(), abs=1e-3)
    letters = {*"".join(u.text or "" for u in read_manifest(folder / "train.jsonl"))}
    assert len((tmp_path / "vocabulary.txt").read_text().splitlines()) >= len(letters)
    assert known_words(tmp_path) == known_words(shards)
    with pytest.raises(InputError, match="expected a folder of tar archives"):
        index_shards.prepare(index_shards.Options(tmp_path, split="valid"))


def test_a_folder_of_both_is_refused(folder, shards, tmp_path):
    for name in ("train.shards.jsonl", "vocabulary.txt"):
        (tmp_path / name).write_bytes((shards / name).read_bytes())
    (tmp_path / "train.jsonl").write_text(json.dumps({"id": "a", "duration": 1, "audio": "a"}))
    with pytest.raises(ManifestError, match=r"found train\.jsonl and train\.shards\.jsonl"):
        train(debug(tmp_path, tmp_path / "run"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": 0.0}, "--seconds: found 0.0"),
        ({"source": Path("nowhere")}, "nowhere: found nothing, expected a folder"),
        ({"source": REPO / "conf"}, r"found no train\.jsonl"),
    ],
)
def test_mistakes_are_named(folder, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        shard.prepare(replace(shard.Options(folder, tmp_path), **change))
    with pytest.raises(InputError, match="--output: found the source"):
        shard.prepare(shard.Options(folder, folder))


def test_a_tagger_trains_from_shards_too(tmp_path):
    """With the same classes in the same shares; it is scored on them as on files."""
    options = prepare_sounds.Options(
        tmp_path / "sounds", train=12, valid=8, test=8, soundscapes=True
    )
    prepare_sounds.prepare(options)
    shard.prepare(shard.Options(tmp_path / "sounds", tmp_path / "shards", seconds=30.0))
    folder = replace(
        configs.load(SoundRecipe, REPO / "conf/audio_tagging/debug.yaml"),
        data=tmp_path / "sounds",
        run_dir=tmp_path / "run",
    )
    sharded = replace(folder, data=tmp_path / "shards")
    classes = Classes.load(tmp_path / "shards" / "classes.txt")
    shares = [loading.load_shares(config, classes) for config in (folder, sharded)]
    assert torch.equal(*shares)
    for config in (folder, sharded):
        assert loading.tells_times(config)
        assert not loading.tells_times(replace(config, use_events=False))
    alone = Process(0, 1, torch.device("cpu"))
    [one, other] = [
        {name: tags for batch in loading.load_train(config, classes, alone).epoch(1)
         for name, tags in zip(batch.ids, batch.tags.tolist())}
        for config in (folder, sharded)
    ]  # fmt: skip
    assert one == other
    assert len(one) == 12
    train_tagger(replace(sharded, training=replace(sharded.training, epochs=1)))
    scores = [
        evaluate_tagger.evaluate(evaluate_tagger.Options(tmp_path / "run", path, psds=False))
        for path in (tmp_path / "sounds/test.jsonl", tmp_path / "shards/test.shards.jsonl")
    ]
    assert scores[0] == pytest.approx(scores[1]) and len(scores[0]) > 3
    refused = replace(sharded, model=replace(sharded.model, labels="one"))
    with pytest.raises(ManifestError, match="expected one for a model of one class a clip"):
        Heard(refused, tmp_path, classes)(replace(CLIP, tags=tuple(classes.names[:2])))


def test_a_recogniser_is_scored_on_shards_as_on_files(folder, shards, tmp_path, capsys):
    """The same counts and texts, whatever lies beside each other in a batch."""
    run = tmp_path / "run"
    train(debug(shards, run, epochs=1))
    test = shards / "test.shards.jsonl"
    assert f"--manifest {test}" in capsys.readouterr().err  # how to go on
    found = []
    for path in (folder / "test.jsonl", test):
        evaluate.evaluate(evaluate.Options(run, path, output=tmp_path / "scores.jsonl"))
        scores, *rows = (tmp_path / "scores.jsonl").read_text().splitlines()
        found.append([scores, *sorted(rows)])
    assert found[0] == found[1] and len(found[0]) == 7
