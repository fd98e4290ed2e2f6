"""The whole recipe on the embedded default, and on a user's mistakes."""

import json
import math
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor

from audio_rnn import config as configs
from audio_rnn.data.batching import Batch, Batches
from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.engine.trainer import Trainer
from audio_rnn.errors import ManifestError, TrainingError, VocabularyError
from audio_rnn.features import Features
from audio_rnn.models.folder import read_model
from audio_rnn.runs.checkpoint import load_state
from audio_rnn.runs.history import read_history
from audio_rnn.runs.position import Position
from audio_rnn.tasks.recognition import Recognition
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from benchmarks.faults import equal
from recipes.known_words import keep_words
from recipes.speech_recognition import evaluate as evaluation
from recipes.speech_recognition.config import RecipeConfig
from recipes.speech_recognition.prepare_default import Options as PrepareOptions
from recipes.speech_recognition.prepare_default import prepare
from recipes.speech_recognition.train import train

REPO = Path(__file__).parents[2]
DEBUG = REPO / "conf" / "speech_recognition" / "debug.yaml"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small embedded corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    prepare(PrepareOptions(folder, train_utterances=60, valid_utterances=12, test_utterances=12))
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the debug config on it."""
    run_dir = tmp_path_factory.mktemp("run")
    train(replace(configs.load(RecipeConfig, DEBUG), data=corpus, run_dir=run_dir))
    return run_dir


def test_the_debug_config_trains_and_leaves_a_whole_run_folder(run: Path) -> None:
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert len(losses) == 2 and losses[1] < losses[0] and all(map(math.isfinite, losses))
    for name in (
        "config.yaml",
        "run.json",
        "curves.png",
        "model/model.json",
        "checkpoint/checkpoint.json",
    ):
        assert (run / name).is_file()


def test_the_words_of_training_are_kept_for_hotwords(run: Path, corpus: Path) -> None:
    texts = [utterance.text or "" for utterance in read_manifest(corpus / "train.jsonl")]
    known = NgramModel.load(run / "words.arpa").words
    assert sorted(known[3:]) == sorted(set(" ".join(texts).split()))


def test_no_words_are_kept_of_symbols_or_of_texts_without_spaces(
    corpus: Path, tmp_path: Path
) -> None:
    for vocabulary in (
        Vocabulary((BLANK_SYMBOL, "a", "b")),
        Vocabulary((BLANK_SYMBOL, "AH", "B"), "symbol"),
    ):
        path = tmp_path / "words.arpa"
        path.write_text("of a training that failed before its first checkpoint")
        keep_words(path, corpus / "train.jsonl", vocabulary)
        assert not path.exists()


def test_evaluate_counts_every_word_of_the_test_set(
    run: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = evaluation.Options(run, corpus / "test.jsonl", output=tmp_path / "out.jsonl")
    words, _ = evaluation.evaluate(options)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert words.references == sum(len(row["text"].split()) for row in rows[1:])
    assert rows[0]["words"]["hits"] == words.hits and len(rows) == 13
    assert "rate" in capsys.readouterr().out


def test_texts_that_no_model_could_write_are_said(
    run: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as upper case, where the model learned lower case: all errors, and not by its fault."""
    lines = (corpus / "test.jsonl").read_text().splitlines()
    shouted = json.loads(lines[0])
    shouted["text"] = shouted["text"].upper()
    manifest = corpus / "shouted.jsonl"
    manifest.write_text("\n".join([json.dumps(shouted), *lines[1:]]))
    evaluation.evaluate(evaluation.Options(run, manifest))
    assert f"1 of {len(lines)} texts cannot be recognised" in capsys.readouterr().err
    evaluation.evaluate(evaluation.Options(run, corpus / "test.jsonl"))
    assert "cannot be recognised" not in capsys.readouterr().err


def test_recordings_of_which_no_text_is_told_are_not_scored(
    run: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as those of a manifest of sounds."""
    lines = (corpus / "test.jsonl").read_text().splitlines()
    untold = {k: v for k, v in json.loads(lines[3]).items() if k != "text"}
    manifest = corpus / "untold.jsonl"
    manifest.write_text("\n".join([*lines[:3], json.dumps(untold)]))
    with pytest.raises(ManifestError, match="test-00003: found no text, expected the one that"):
        evaluation.evaluate(evaluation.Options(run, manifest))
    assert capsys.readouterr().out == ""


def test_evaluating_does_not_depend_on_the_batches(run: Path, corpus: Path, tmp_path: Path) -> None:
    texts = []
    for seconds in (1.0, 200.0):
        out = tmp_path / f"{seconds}.jsonl"
        evaluation.evaluate(
            evaluation.Options(run, corpus / "test.jsonl", output=out, batch_seconds=seconds)
        )
        texts.append(out.read_text())
    assert texts[0] == texts[1]


def test_too_short_utterances_are_named_and_left_out_of_training_only(
    corpus: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tmp_path / "data"
    shutil.copytree(corpus, data)
    waveform, rate = soundfile.read(next(iter(sorted((data / "audio").glob("train*")))))
    soundfile.write(data / "audio" / "short.wav", waveform[: rate // 5], rate)
    line = {
        "id": "hasty",
        "duration": 0.2,
        "audio": "audio/short.wav",
        "text": "set a timer for nine minutes",
    }
    for split in ("train", "valid"):
        with (data / f"{split}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    validated: list[str] = []
    evaluate = Recognition.evaluate

    def watching(task: Recognition, batches: Iterable[Batch]) -> dict[str, float]:
        held = list(batches)
        validated.extend(name for batch in held for name in batch.ids)
        return evaluate(task, held)

    monkeypatch.setattr(Recognition, "evaluate", watching)
    train(replace(debug(epochs=1), data=data, run_dir=tmp_path / "run"))
    assert "1 of 61 utterances left out" in caplog.text and "hasty" in caplog.text
    assert "1 of 13 utterances cannot be right" in caplog.text
    assert "root" not in {record.name for record in caplog.records}  # whose form is another one
    assert len(validated) == 13 and "hasty" in validated


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ManifestError, "'train-00000' has no text"),
        ("señor", VocabularyError, "train.jsonl: utterance 'train-00000': symbol 'ñ' in 'señor'"),
    ],
)
def test_a_bad_transcript_is_named(
    corpus: Path, tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(corpus, data)
    lines = [json.loads(line) for line in (data / "train.jsonl").read_text().splitlines()]
    lines[0]["text"] = text
    (data / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(error, match=message):
        train(replace(debug(), data=data, run_dir=tmp_path / "run"))


def test_a_run_does_not_go_on_with_another_vocabulary(
    run: Path, corpus: Path, tmp_path: Path
) -> None:
    """Not even with one of the same size, which the weights would fit."""
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(corpus, tmp_path / "data")
    config = replace(debug(), data=tmp_path / "data", run_dir=tmp_path / "run")
    configs.save(config, config.run_dir / "config.yaml")
    vocabulary = Vocabulary.load(config.data / "vocabulary.txt")
    Vocabulary((BLANK_SYMBOL, *reversed(vocabulary.symbols[1:]))).save(
        config.data / "vocabulary.txt"
    )
    with pytest.raises(TrainingError, match="another vocabulary"):
        train(config)


def test_a_run_does_not_go_on_with_other_data(run: Path, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(corpus, tmp_path / "data")
    config = replace(debug(), data=tmp_path / "data", run_dir=tmp_path / "run")
    configs.save(config, config.run_dir / "config.yaml")
    lines = (config.data / "train.jsonl").read_text().splitlines()
    (config.data / "train.jsonl").write_text("\n".join(lines[1:]))
    with pytest.raises(TrainingError, match=r"other data than .*train\.jsonl holds now"):
        train(config)


def test_data_without_validation_says_how_to_get_it(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "data")
    (tmp_path / "data" / "valid.jsonl").unlink()
    with pytest.raises(ManifestError, match=r"valid\.jsonl: missing.*validation share above 0"):
        train(replace(debug(), data=tmp_path / "data", run_dir=tmp_path / "run"))


def test_global_statistics_are_measured_once(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(debug(), data=corpus, run_dir=tmp_path)
    features = replace(config.model.features, normalization="global")
    config = replace(config, model=replace(config.model, features=features))
    train(config)
    means = read_model(tmp_path, "speech").weights["features.normalizer.mean"]
    assert means.isfinite().all()
    monkeypatch.setattr(Features, "fit", lambda *_: pytest.fail("measured again"))
    restored: list[Tensor] = []
    fit = Trainer.fit

    def watching(trainer: Trainer, *batches: Batches) -> Position:
        end = fit(trainer, *batches)
        restored.append(trainer.task.model.state_dict()["features.normalizer.mean"])
        return end

    monkeypatch.setattr(Trainer, "fit", watching)
    train(config)
    assert torch.equal(restored[0], means)


def test_mistakes_on_the_command_line_are_one_line_and_status_1(tmp_path: Path) -> None:
    typo = tmp_path / "typo.yaml"
    typo.write_text("model: {acoustic: {recurent: {layers: 2}}}\n")
    for arguments, expected in (
        (["--config", str(typo)], "did you mean 'recurrent'?"),
        (["--config", str(tmp_path / "none.yaml")], "none.yaml: cannot be read"),
        (
            ["--data", str(tmp_path)],
            "vocabulary.txt: cannot be read: No such file or directory; run the recipe's prep",
        ),
    ):
        command = [sys.executable, "-m", "recipes.speech_recognition.train", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPO)
        assert done.returncode == 1
        assert (
            done.stderr.startswith("error: ")
            and expected in done.stderr
            and done.stderr.count("\n") == 1
        )


def test_ctrl_c_while_libraries_are_imported_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os, time; os.kill(os.getpid(), 2); time.sleep(60)")
    command = [sys.executable, "-m", "recipes.speech_recognition.train"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO, env=environment)
    assert done.returncode == -signal.SIGINT and done.stderr == "interrupted\n"


@pytest.mark.parametrize("script", ["train", "prepare_folder"])
def test_the_usage_is_what_people_type(script: str) -> None:
    command = [sys.executable, "-m", f"recipes.speech_recognition.{script}"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, cwd=REPO)
    assert done.stdout.lstrip().startswith(f"usage: python -m recipes.speech_recognition.{script} ")


def test_a_second_call_finds_the_training_done(
    run: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run / "history.jsonl").read_text()
    train(replace(configs.load(RecipeConfig, DEBUG), data=corpus, run_dir=run))
    assert (run / "history.jsonl").read_text() == before
    told = capsys.readouterr().err
    command = "recipes.speech_recognition.evaluate --model"
    assert "trained already" in told and "\nnext: " in told
    assert told.endswith(f"python -m {command} {run} --manifest {corpus}/test.jsonl\n")


def test_a_model_that_learned_nothing_is_said_to_be_of_no_use(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my data"
    shutil.copytree(corpus, data)
    (data / "test.jsonl").unlink()
    config = replace(debug(epochs=3), data=data, run_dir=tmp_path / "run")
    training = replace(config.training, rate=1e-9, averaging="none")
    train(replace(config, training=training))
    told = capsys.readouterr().err
    assert "of no use: a word error rate of " in told and "steps on 60 utterances, 0." in told
    assert "--init RUN" in told and f"--manifest '{data}/valid.jsonl'" in told


def test_a_scheduler_may_signal_the_workers_too(corpus: Path, tmp_path: Path) -> None:
    arguments = ["--config", str(DEBUG), "--data", str(corpus), "--run-dir", str(tmp_path)]
    running = subprocess.Popen(
        [sys.executable, "-m", "recipes.speech_recognition.train", *arguments]
        + ["--training.epochs", "500"],
        cwd=REPO,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while running.poll() is None and not (tmp_path / "checkpoint").exists():
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGTERM)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert "run the same command to go on" in told and "Traceback" not in told


def debug(epochs: int = 1) -> RecipeConfig:
    """The debug config without worker processes."""
    config = configs.load(RecipeConfig, DEBUG)
    training = replace(config.training, epochs=epochs)
    return replace(config, training=training, batches=replace(config.batches, workers=0))


def test_a_recipe_cut_off_in_the_middle_of_an_epoch_ends_as_if_it_had_not_been(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when all files say that they are of 1970, or of the year 2096."""
    data = shutil.copytree(corpus, tmp_path / "data")
    config = replace(debug(epochs=2), data=data)
    config = replace(config, training=replace(config.training, save_every=2))
    config = replace(config, batches=replace(config.batches, seconds=8.0))
    train(replace(config, run_dir=tmp_path / "whole"))
    parts = replace(config, run_dir=tmp_path / "parts")
    losses, calls = Recognition.losses, 0

    def failing(task: Recognition, batch: Batch) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise OSError("the power went out")
        return losses(task, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Recognition, "losses", failing)
        with pytest.raises(OSError, match="power"):
            train(parts)
    for n, path in enumerate(sorted([*data.rglob("*"), *parts.run_dir.rglob("*")])):
        os.utime(path, (4e9 * (n % 2), 4e9 * (n % 2)))
    train(parts)
    assert "going on at epoch 1, step 4" in (tmp_path / "parts" / "train.log").read_text()
    whole, resumed = (read_model(tmp_path / run, "speech").weights for run in ("whole", "parts"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert list(read_history(tmp_path / "whole")) == list(read_history(tmp_path / "parts"))


def test_a_data_process_that_dies_costs_no_step(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was trained before is saved, and the next start comes to the same end."""
    config = replace(debug(), data=corpus)
    config = replace(config, batches=replace(config.batches, seconds=6.0, workers=1))
    train(replace(config, run_dir=tmp_path / "whole"))
    parts = replace(config, run_dir=tmp_path / "parts")
    losses = Recognition.losses

    def killing(task: Recognition, batch: Batch) -> dict[str, Tensor]:
        for worker in multiprocessing.active_children():
            worker.kill()
        return losses(task, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Recognition, "losses", killing)
        with pytest.raises(TrainingError, match="a process that reads data was killed"):
            train(parts)
    state = load_state(parts.run_dir / "checkpoint", pytest.fail)
    assert state is not None and state["position"]["step"] > 0
    train(parts)
    line = f"going on at {Position(**state['position'])}"
    assert (parts.run_dir / "train.log").read_text().startswith(line)
    assert equal(tmp_path / "whole", tmp_path / "parts")
