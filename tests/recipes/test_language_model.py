"""The language model's recipe on its embedded default, and on a user's mistakes."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from audio_rnn import config as configs
from audio_rnn.data.texts import UNKNOWN, read_texts
from audio_rnn.errors import InputError, ModelError, TrainingError, VocabularyError
from audio_rnn.models.sequence import SequenceModel
from audio_rnn.runs.history import read_history
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from recipes.language_model import evaluate as evaluation
from recipes.language_model import prepare_default, prepare_text
from recipes.language_model.prepare_text import prepare
from recipes.language_model.train import RecipeConfig, train
from tests.small_model import save_small_model

REPO = Path(__file__).parents[2]
CONF = REPO / "conf" / "language_model"
DEBUG = configs.load(RecipeConfig, CONF / "debug.yaml")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the embedded sentences."""
    folder = tmp_path_factory.mktemp("corpus")
    prepare_default.prepare(prepare_default.Options(folder, 300, 30, 30))
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the debug config on them."""
    run_dir = tmp_path_factory.mktemp("run")
    train(replace(DEBUG, data=corpus, run_dir=run_dir))
    return run_dir


def words_of(path: Path) -> list[str]:
    return " ".join(read_texts(path).values()).split()


def test_the_embedded_sentences_are_those_that_are_spoken(corpus: Path) -> None:
    sizes = {split: len(read_texts(corpus / f"{split}.txt")) for split in ("train", "valid")}
    assert sizes == {"train": 300, "valid": 30}
    train_texts = set(read_texts(corpus / "train.txt").values())
    assert not train_texts & set(read_texts(corpus / "test.txt").values())
    assert Vocabulary.load(corpus / "vocabulary.txt").unit == "character"


def test_the_debug_config_trains_and_leaves_a_whole_run_folder(run: Path) -> None:
    scores = [entry for entry in read_history(run) if "perplexity" in entry]
    assert len(scores) == 2 and scores[1]["perplexity"] < scores[0]["perplexity"] < 26
    for name in ("config.yaml", "run.json", "curves.png", "model/model.json", "vocabulary.txt"):
        assert (run / name).is_file()


def test_evaluate_counts_every_symbol_and_end(
    run: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluation.evaluate(evaluation.Options(run, corpus / "test.txt", "cpu"))
    texts = list(read_texts(corpus / "test.txt").values())
    assert found.symbols == sum(len(text) + 1 for text in texts)
    assert found.words == sum(len(text.split()) + 1 for text in texts)
    model = SequenceModel.load(run)
    total = float(model.score([model.vocabulary.encode(text) for text in texts]).sum())
    assert found.nats == pytest.approx(-total, rel=1e-6)
    assert found.word_perplexity == pytest.approx(math.exp(-total / found.words), rel=1e-5)
    assert f"{found.symbol_perplexity:.3f}" in capsys.readouterr().out


def test_a_word_level_model_says_what_it_did_not_know(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words"
    prepare(prepare_text.Options(corpus, words, unit="symbol", minimum_count=5))
    train(replace(DEBUG, data=words, run_dir=tmp_path / "run"))
    (tmp_path / "new.txt").write_text("call zebra\ncall xylophone now\n")
    capsys.readouterr()
    found = evaluation.evaluate(evaluation.Options(tmp_path / "run", tmp_path / "new.txt"))
    assert (found.symbols, found.words) == (7, 7) and found.unknown == 3
    assert "3 words are outside the vocabulary" in capsys.readouterr().out


def test_a_run_does_not_go_on_with_other_texts(run: Path, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(corpus, tmp_path / "data")
    config = replace(DEBUG, data=tmp_path / "data", run_dir=tmp_path / "run")
    configs.save(config, config.run_dir / "config.yaml")
    (config.data / "train.txt").write_text("call ben\n")
    with pytest.raises(TrainingError, match=r"other data than .*train\.txt holds now"):
        train(config)


def test_a_text_the_model_cannot_write_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("call ben\nCALL BEN\n")
    with pytest.raises(VocabularyError, match=r"new\.txt:2: symbol 'C'"):
        evaluation.evaluate(evaluation.Options(run, tmp_path / "new.txt"))


def test_another_kind_of_model_is_refused(tmp_path: Path, corpus: Path) -> None:
    speech = save_small_model(tmp_path / "speech")
    with pytest.raises(ModelError, match="kind 'speech', expected 'sequence'"):
        evaluation.evaluate(evaluation.Options(speech, corpus / "test.txt"))


def test_mistakes_on_the_command_line_are_one_line_and_status_1(tmp_path: Path) -> None:
    typo = tmp_path / "typo.yaml"
    typo.write_text("model: {hiden: 2}\n")
    for module, arguments, expected in (
        ("train", ["--config", typo], "did you mean 'hidden'?"),
        ("prepare_text", [tmp_path / "none"], "neither a text file nor a folder with train.txt"),
    ):
        command = [sys.executable, "-m", f"recipes.language_model.{module}", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPO)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: ") and expected in done.stderr


def test_no_sentences_are_refused(tmp_path: Path) -> None:
    options = prepare_default.Options(tmp_path, test_sentences=0)
    with pytest.raises(InputError, match="--test-sentences: found 0, expected at least 1"):
        prepare_default.prepare(options)


def test_lines_of_a_file_are_held_out_whole_and_none_twice(tmp_path: Path) -> None:
    lines = [f"sentence {n % 60} of many" for n in range(100)]
    (tmp_path / "all.txt").write_text("\n".join(lines))
    for name in ("one", "two"):
        prepare(prepare_text.Options(tmp_path / "all.txt", tmp_path / name, valid_share=0.1))
    splits = {
        s: list(read_texts(tmp_path / f"one/{s}.txt").values()) for s in ("train", "valid", "test")
    }
    assert sorted(sum(splits.values(), [])) == sorted(lines)  # noqa: RUF017
    assert [len(set(texts)) for texts in splits.values()] == [51, 6, 3]
    assert not set(splits["train"]) & {*splits["valid"], *splits["test"]}
    for split in splits:
        both = [(tmp_path / name / f"{split}.txt").read_bytes() for name in ("one", "two")]
        assert both[0] == both[1]


def test_words_of_training_are_cut_at_their_count(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("B a b\na a c.\n")
    (tmp_path / "valid.txt").write_text("a d\n")
    source, output = tmp_path, tmp_path / "out"
    options = prepare_text.Options(source, output, text="plain", unit="symbol")
    prepare(options)
    vocabulary = Vocabulary.load(output / "vocabulary.txt")
    assert vocabulary.symbols == (BLANK_SYMBOL, UNKNOWN, "a", "b")
    assert words_of(output / "train.txt") == list("babaac")  # as said, not as told
    assert not (output / "test.txt").exists()
    with pytest.raises(VocabularyError, match=r"valid\.txt:1: symbol 'd'"):
        prepare(replace(options, minimum_count=1))


def test_manifests_and_the_recogniser_s_symbols(tmp_path: Path) -> None:
    for split, text in (("train", "AB BA"), ("valid", "B")):
        line = {"id": split, "audio": f"{split}.wav", "duration": 1.0, "text": text}
        (tmp_path / f"{split}.jsonl").write_text(json.dumps(line))
        (tmp_path / f"{split}.wav").touch()
    given = Vocabulary((BLANK_SYMBOL, "B", "A", " "))
    given.save(tmp_path / "vocabulary.txt")
    options = prepare_text.Options(
        tmp_path, tmp_path / "out", vocabulary=tmp_path / "vocabulary.txt"
    )
    prepare(options)
    assert Vocabulary.load(tmp_path / "out/vocabulary.txt") == given
    assert words_of(tmp_path / "out/train.txt") == ["AB", "BA"]
    Vocabulary((BLANK_SYMBOL, "A", " ")).save(tmp_path / "vocabulary.txt")
    with pytest.raises(VocabularyError, match=r"train\.txt:1: symbol 'B'"):
        prepare(options)


def test_pieces_spell_every_text(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    prepare(prepare_text.Options(corpus, tmp_path, unit="piece", size=60))
    vocabulary = Vocabulary.load(tmp_path / "vocabulary.txt")
    assert vocabulary.unit == "piece" and len(vocabulary) <= 61
    for text in read_texts(tmp_path / "test.txt").values():
        assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"valid_share": 0.6, "test_share": 0.5}, "--valid-share 0.6 and --test-share 0.5"),
        ({"minimum_count": 0}, "--minimum-count: found 0, expected at least 1"),
        ({}, "found 2 different texts, expected more than 2"),
    ],
)
def test_what_cannot_be_prepared_is_said(
    tmp_path: Path, change: dict[str, float], message: str
) -> None:
    (tmp_path / "two.txt").write_text("a\nb\nb\n")
    with pytest.raises(InputError, match=message):
        prepare(prepare_text.Options(tmp_path / "two.txt", tmp_path / "out", **change))  # type: ignore[arg-type]
