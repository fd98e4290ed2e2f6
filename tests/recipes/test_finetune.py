"""A model that begins with another: what it takes, what it refuses, how it starts."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.models.transfer import begin_speech, shared_rows
from audio_rnn.runs.history import read_history
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from recipes.speech_recognition.config import RecipeConfig, from_arguments
from recipes.speech_recognition.train import train

FRAMES = 6  # a symbol
WORDS = ("ab", "cad", "deb", "be", "fade")
MODEL = SpeechConfig(
    FeatureConfig(deltas=0, normalization="global"),
    AcousticConfig(dropout=0.0, recurrent=RecurrentConfig("gru", 24, 1, dropout=0.0)),
)
STILL = TrainingConfig(epochs=1, rate=1e-9, device="cpu")  # weights stay where they begin


def spoken(text: str, random: np.random.Generator) -> np.ndarray:
    """(frames, 13): every symbol is a point in space, held for a while, with noise."""
    points = [
        np.random.default_rng(zlib.crc32(symbol.encode())).normal(3, 2, 13) for symbol in text
    ]
    clean = np.repeat(points, FRAMES, axis=0)
    return (clean + random.normal(0, 3, clean.shape)).astype(np.float32)


def prepare(folder: Path, train_count: int, words: tuple[str, ...] = WORDS, seed: int = 0) -> Path:
    """A corpus of feature files, as the prepare scripts write it."""
    random = np.random.default_rng(seed)
    (folder / "frames").mkdir(parents=True)
    texts = []
    for split, count in (("train", train_count), ("valid", 20)):
        utterances = []
        for number in range(count):
            text = " ".join(random.choice(words, size=4))
            path = f"frames/{split}{number}.npy"
            np.save(folder / path, spoken(text, random))
            seconds = len(text) * FRAMES / 100
            utterances.append(Utterance(f"{split}{number}", seconds, features=path, text=text))
        write_manifest(folder / f"{split}.jsonl", utterances)
        texts += [utterance.text or "" for utterance in utterances]
    Vocabulary.from_texts(texts).save(folder / "vocabulary.txt")
    return folder


def config(data: Path, run_dir: Path, **change: object) -> RecipeConfig:
    whole = RecipeConfig(data=data, run_dir=run_dir, model=MODEL, training=STILL)
    return replace(whole, batches=replace(whole.batches, seconds=10), **change)  # type: ignore[arg-type]


def word_error(run_dir: Path) -> float:
    """Of the best epoch, whose model is kept."""
    return min(entry["wer"] for entry in read_history(run_dir) if "wer" in entry)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("corpus"), 150)


@pytest.fixture(scope="module")
def parent(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned something."""
    run_dir = tmp_path_factory.mktemp("parent")
    training = TrainingConfig(epochs=4, rate=2e-2, device="cpu")
    train(config(corpus, run_dir, training=training))
    assert 0 < word_error(run_dir) < 0.3
    return run_dir


def test_training_goes_on_from_the_error_of_the_parent(
    corpus: Path, parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = prepare(tmp_path / "few", 3, seed=1)
    (few / "valid.jsonl").write_text((corpus / "valid.jsonl").read_text())
    for path in (corpus / "frames").glob("valid*"):
        (few / "frames" / path.name).write_bytes(path.read_bytes())
    train(config(few, tmp_path / "tuned", init=parent))
    assert word_error(tmp_path / "tuned") == word_error(parent)
    train(config(few, tmp_path / "untuned"))
    assert word_error(tmp_path / "untuned") > 0.9
    tuned, own = (SpeechModel.load(run).state_dict() for run in (tmp_path / "tuned", parent))
    assert torch.equal(tuned["features.normalizer.mean"], own["features.normalizer.mean"])
    told = f"begins with {parent}: its features, statistics and weights; of the output 8 symbols, 0 new, 0 left behind"
    assert told in capsys.readouterr().err
    assert f"init: {parent}" in (tmp_path / "tuned" / "config.yaml").read_text()
    train(config(few, tmp_path / "tuned", init=parent))
    said = capsys.readouterr().err
    assert "trained already" in said and "begins with" not in said


def test_another_vocabulary_keeps_the_symbols_that_both_have(
    parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No "f" in it; "ø" and "y" are new."""
    data = prepare(tmp_path / "data", 60, ("ab", "cad", "deb", "be", "aaø", "yc"), seed=2)
    train(config(data, tmp_path / "begun", init=parent))
    told = capsys.readouterr().err
    assert "7 symbols, 2 new ('y' 'ø'), 1 left behind ('f')" in told
    training = TrainingConfig(epochs=5, rate=1e-2, device="cpu")
    train(config(data, tmp_path / "tuned", init=parent, training=training))
    train(config(data, tmp_path / "untuned", training=training))
    begun, tuned, untuned = (word_error(tmp_path / n) for n in ("begun", "tuned", "untuned"))
    assert tuned < begun < untuned


def test_rows_of_the_output_follow_their_symbols(parent: Path) -> None:
    other = SpeechModel.load(parent)
    vocabulary = Vocabulary((BLANK_SYMBOL, "é", "b", "a"))
    model = SpeechModel(other.config, vocabulary)
    assert begin_speech(model, parent).new == ("é",)
    places = [0, other.vocabulary.ids["b"], other.vocabulary.ids["a"]]
    own, theirs = (m.acoustic.output for m in (model, other))
    assert torch.equal(own.weight[[0, 2, 3]], theirs.weight[places])
    assert torch.equal(own.bias[[0, 2, 3]], theirs.bias[places])
    assert own.weight[1].isfinite().all() and not (own.weight[1] == theirs.weight).all(1).any()


def test_words_are_not_letters() -> None:
    letters = Vocabulary((BLANK_SYMBOL, "a", "b"))
    assert shared_rows(Vocabulary((BLANK_SYMBOL, "b", "a"), "symbol"), letters) == {0: 0}
    assert shared_rows(Vocabulary((BLANK_SYMBOL, "b", "c")), letters) == {0: 0, 1: 2}


def test_the_config_is_that_of_the_parent(parent: Path, tmp_path: Path) -> None:
    arguments = ["--init", str(parent), "--model.acoustic.dropout", "0.3", "--data", "elsewhere"]
    found = from_arguments("", arguments)
    assert found.model == replace(MODEL, acoustic=replace(MODEL.acoustic, dropout=0.3))
    file = tmp_path / "tune.yaml"
    file.write_text(f"init: {parent}\ntraining: {{epochs: 3}}\n")
    found = from_arguments("", ["--config", str(file)])
    assert (found.model, found.training.epochs) == (MODEL, 3)


def test_what_does_not_fit_the_parent_is_named(corpus: Path, parent: Path, tmp_path: Path) -> None:
    """Also a value that is the default where the parent has another."""
    for field, value in (("features.deltas", "2"), ("acoustic.recurrent.hidden", "256")):
        arguments = ["--init", str(parent), f"--model.{field}", value, "--data", str(corpus)]
        with pytest.raises(ConfigError, match=rf"model\.{field}: found {value}, expected"):
            train(from_arguments("", [*arguments, "--run-dir", str(tmp_path / "run")]))
    with pytest.raises(ModelError, match="no such folder"):
        from_arguments("", ["--init", str(tmp_path / "nothing")])
    with pytest.raises(ModelError, match=r"model\.json is missing; expected a folder that"):
        train(config(corpus, tmp_path / "run", init=tmp_path))
    assert not (tmp_path / "run").exists()
