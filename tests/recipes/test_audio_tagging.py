"""The tagging recipe from manifests to scores, and what is wrong with manifests."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from audio_rnn.audio import write_audio
from audio_rnn.classes import Classes
from audio_rnn.config import from_dict, to_dict
from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.decoding.events import load_rules
from audio_rnn.errors import ConfigError, InputError, ManifestError, TrainingError
from audio_rnn.events import Event
from audio_rnn.inference.tagger import Tagger
from recipes import shard
from recipes.audio_tagging.config import RecipeConfig
from recipes.audio_tagging.cross_validate import cross_validate, show
from recipes.audio_tagging.cross_validate import main as cross_validate_main
from recipes.audio_tagging.evaluate import Options, evaluate
from recipes.audio_tagging.loading import load_shares, load_valid, training_clips, warn_of_rare
from recipes.audio_tagging.train import train
from tests.small_tagger import save_small_tagger

REPO = Path(__file__).parents[2]
RATE = 8000
HERTZ = {"low, deep": 300, "high/shrill": 2000}
TINY = from_dict(
    RecipeConfig,
    {
        "model": {
            "features": {"sample_rate": RATE, "n_mels": 16, "normalization": "global"},
            "tagger": {
                "convolution": {"channels": [8], "time_pooling": [2], "frequency_pooling": [2]},
                "recurrent": {"cell": "gru", "hidden": 8, "layers": 1},
                "dropout": 0.0,
                "texture": {"share": 0.3, "hidden": 16},
            },
        },
        "clips": {"shift_probability": 0.5, "mix_probability": 0.2},
        "batches": {"seconds": 8},
        "training": {"epochs": 12, "rate": 0.02, "warmup": 0.1, "ema_decay": 0.8},
    },
)


def make_sound(path: Path, label: str, seed: int, seconds: float = 1.0) -> Event:
    """A tone of the class in a part of some noise; when it is heard."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    onset = round(random.uniform(0.1, seconds - 0.6), 3)
    inside = (time >= onset) & (time < onset + 0.5)
    tone = 0.3 * np.sin(2 * np.pi * HERTZ[label] * random.uniform(0.9, 1.1) * time) * inside
    sound = tone + 0.01 * random.standard_normal(len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, sound.astype(np.float32), RATE)
    return Event(onset, onset + 0.5, label)


def write_clips(folder: Path, count: int = 24, timed: bool = False) -> list[Utterance]:
    """Clips of both classes in turn, in three folds."""
    Classes(tuple(HERTZ)).save(folder / "classes.txt")
    clips = []
    for n in range(count):
        label = [*HERTZ][n % 2]
        event = make_sound(folder / f"audio/{n}.wav", label, n)
        heard = {"events": (event,)} if timed else {"tags": (label,)}
        clips.append(
            Utterance(
                f"c{n}", 1.0, f"audio/{n}.wav", fold=n // 2 % 3 + 1, recording=f"r{n}", **heard
            )  # type: ignore[arg-type]
        )
    return clips


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folds")
    write_manifest(folder / "all.jsonl", write_clips(folder))
    return folder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    clips = write_clips(folder, 32, timed=True)
    for split, part in (("train", clips[:20]), ("valid", clips[20:26]), ("test", clips[26:])):
        write_manifest(folder / f"{split}.jsonl", part)
    return folder


def test_every_fold_is_tested_by_a_model_of_the_others(folds: Path, tmp_path: Path) -> None:
    config = replace(
        TINY, data=folds, run_dir=tmp_path, training=replace(TINY.training, keep="last")
    )
    results = cross_validate(config)
    assert sorted(results) == [1, 2, 3]
    assert np.mean([scores["accuracy"] for scores in results.values()]) > 0.9
    again = cross_validate(config)  # nothing is trained twice
    assert again == results


def test_several_networks_of_a_fold_are_scored_together(
    folds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By their mean, which is that of `--also`; from the command line."""
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(to_dict(TINY)))
    settings = ["--data", str(folds), "--run-dir", str(tmp_path / "run"), "--training.epochs", "1"]
    command = ["cross_validate", "--config", str(tmp_path / "tiny.yaml"), "--networks", "2"]
    monkeypatch.setattr(sys, "argv", [*command, *settings, "--training.keep", "last"])
    cross_validate_main()
    mean = float(capsys.readouterr().out.split("mean")[-1].split()[0])
    scores = []
    for fold in (1, 2, 3):
        runs = [tmp_path / "run" / f"fold{fold}" / f"seed{seed}" for seed in (0, 1)]
        for seed, run in enumerate(runs):
            assert yaml.safe_load((run / "config.yaml").read_text())["training"]["seed"] == seed
        scores.append(evaluate(Options(runs[0], folds / "all.jsonl", fold, also=(runs[1],))))
    assert mean == pytest.approx(100 * np.mean([s["accuracy"] for s in scores]), abs=0.006)
    with pytest.raises(ConfigError, match=r"networks: found 0, expected 1 or more"):
        cross_validate(replace(TINY, data=folds), 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(
        ConfigError, match=r"processes: found 2, expected one; start it without torch"
    ):
        cross_validate(replace(TINY, data=folds))


def test_the_scores_of_ten_folds_fit_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ("accuracy", "mAP", "AUC", "lwlrap", "d'", "event F1", "segment F1", "PSDS1", "PSDS2")
    show({fold: dict.fromkeys(names, fold / 10) for fold in range(1, 11)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[10].split() == ["10", *["100.00"] * 4, "1.00", *["100.00"] * 4]
    assert lines[11].split() == ["mean", *["55.00"] * 4, "0.55", *["55.00"] * 4]
    assert max(map(len, lines)) <= 80


def test_events_are_learnt_tuned_and_found(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = replace(TINY.model, labels="several")
    run_dir = tmp_path / "run"
    train(replace(TINY, data=scenes, run_dir=run_dir, model=model))
    assert re.search(r"best: epoch \d+, step_ap", capsys.readouterr().err)
    valid, test = (Options(run_dir, scenes / f"{name}.jsonl", psds=False) for name in ("valid", "test"))  # fmt: skip
    evaluate(replace(valid, tune=True))
    assert set(load_rules(run_dir / "model").rules) == set(HERTZ)
    scores = evaluate(replace(test, output=tmp_path / "scores.jsonl"))
    assert scores["segment F1"] > 0.8
    assert scores["mAP"] > 0.9
    first, *rows = (tmp_path / "scores.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(first) == scores
    assert len(rows) == 6
    found = Tagger.load(run_dir).detect(scenes / read_manifest(test.manifest)[0].source)
    assert {e.label for e in found.events} <= set(HERTZ)


def test_psds_of_a_perfect_model_is_high(scenes: Path) -> None:
    pytest.importorskip("sed_scores_eval", reason="extra: detection")
    from recipes.audio_tagging.hearing import Heard
    from recipes.audio_tagging.psds import psds

    clips, classes = read_manifest(scenes / "train.jsonl"), Classes((*HERTZ, "never heard"))
    heard = []
    for clip in clips:
        steps = np.zeros((100, 3), np.float32)
        for e in clip.events or ():
            steps[round(e.onset * 100) : round(e.offset * 100), classes.index(e.label)] = 1
        heard.append(Heard(steps.max(0), steps))
    assert min(psds(clips, heard, classes, 0.01).values()) > 0.99
    with pytest.raises(InputError, match="found no event in any clip"):
        psds([replace(clips[0], events=())], heard[:1], classes, 0.01)


def test_a_test_set_is_never_tuned_on(scenes: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    few = replace(TINY.training, epochs=1)
    train(replace(TINY, data=scenes, run_dir=run_dir, training=few))
    with pytest.raises(InputError, match="is a test set, expected held-out data"):
        evaluate(Options(run_dir, scenes / "test.jsonl", tune=True, psds=False))


def test_a_run_goes_on_only_with_its_own_data(folds: Path, tmp_path: Path) -> None:
    once = replace(TINY.training, epochs=1, keep="last")
    config = replace(TINY, data=folds, fold=1, run_dir=tmp_path / "run", training=once)
    train(config)
    with pytest.raises(TrainingError, match="fold: 1 there, 2 now"):
        train(replace(config, fold=2))


def test_without_validation_data_the_last_model_is_kept(folds: Path, tmp_path: Path) -> None:
    config = replace(TINY, data=folds, fold=1, run_dir=tmp_path / "run")
    with pytest.raises(ConfigError, match="keep: found 'best', expected 'last' where there is no"):
        train(config)


def test_a_recording_in_two_folds_is_named(tmp_path: Path) -> None:
    clips = write_clips(tmp_path, 6)
    clips[2] = replace(clips[2], recording="r0")  # fold 2, as r0 is in fold 1
    write_manifest(tmp_path / "all.jsonl", clips)
    with pytest.raises(
        ManifestError, match=r"1 recordings are in several folds.*r0 \(folds 1, 2\)"
    ):
        training_clips(replace(TINY, data=tmp_path, fold=3))


def test_folds_must_be_chosen_and_exist(folds: Path) -> None:
    with pytest.raises(ManifestError, match="say which fold is kept"):
        training_clips(replace(TINY, data=folds))
    with pytest.raises(ManifestError, match=r"found folds \['1', '2', '3'\], expected \['7'\]"):
        training_clips(replace(TINY, data=folds, fold=7))
    with pytest.raises(ConfigError, match="valid_fold: found 1, expected a fold other than"):
        replace(TINY, data=folds, fold=1, valid_fold=1)


def test_one_class_a_clip_is_checked(tmp_path: Path) -> None:
    clips = write_clips(tmp_path, 4)
    clips[3] = replace(clips[3], tags=tuple(HERTZ))
    write_manifest(tmp_path / "train.jsonl", clips)
    classes = Classes(tuple(HERTZ))
    with pytest.raises(ManifestError, match=r"'c3': found 2 tags.*set --model.labels several"):
        load_shares(replace(TINY, data=tmp_path), classes)
    several = replace(TINY, data=tmp_path, model=replace(TINY.model, labels="several"))
    assert load_shares(several, classes).tolist() == [0.75, 0.5]


def test_classes_that_cannot_be_learnt_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = write_clips(tmp_path, 5)
    Classes((*HERTZ, "owl")).save(tmp_path / "classes.txt")
    few = [clips[0], clips[2], clips[4], clips[1]]
    write_manifest(tmp_path / "train.jsonl", few)
    config = replace(
        TINY, data=tmp_path, run_dir=tmp_path / "run",
        training=replace(TINY.training, epochs=1, keep="last"),
    )  # fmt: skip
    with caplog.at_level(logging.WARNING):
        train(config)
    assert "no training clip, so that they cannot be learnt: owl" in caplog.text
    assert "one training clip, which is hardly enough: high/shrill" in caplog.text


def test_clips_of_any_length_train_together(tmp_path: Path) -> None:
    """A tenth of a second beside what is cut into parts, a silent clip, and one with nothing."""
    clips = write_clips(tmp_path, 4)
    make_sound(tmp_path / "audio/long.wav", "low, deep", 9, 9.0)
    write_audio(tmp_path / "audio/tiny.wav", np.full(800, 0.1, np.float32), RATE)
    write_audio(tmp_path / "audio/silent.wav", np.zeros(RATE, np.float32), RATE)
    clips += [
        Utterance("long", 9.0, "audio/long.wav", tags=("low, deep",)),
        Utterance("tiny", 0.1, "audio/tiny.wav", tags=("high/shrill",)),
        Utterance("silent", 1.0, "audio/silent.wav", tags=()),
    ]
    write_manifest(tmp_path / "train.jsonl", clips)
    write_manifest(tmp_path / "valid.jsonl", clips)
    model = replace(TINY.model, labels="several")
    config = replace(
        TINY, data=tmp_path, run_dir=tmp_path / "run", longest=2.0, model=model,
        training=replace(TINY.training, epochs=2),
    )  # fmt: skip
    train(config)
    assert evaluate(Options(tmp_path / "run", tmp_path / "valid.jsonl"))["mAP"] > 0


def test_clips_in_which_nothing_is_heard_are_refused(folds: Path, tmp_path: Path) -> None:
    clips = [replace(clip, tags=(), fold=None) for clip in read_manifest(folds / "all.jsonl")]
    config = replace(TINY, data=tmp_path, model=replace(TINY.model, labels="several"))
    (tmp_path / "audio").symlink_to(folds / "audio")
    Classes(tuple(HERTZ)).save(tmp_path / "classes.txt")
    write_manifest(tmp_path / "train.jsonl", clips)
    with pytest.raises(ManifestError, match="found 24 clips in which nothing is heard"):
        load_shares(config, Classes(tuple(HERTZ)))
    shard.prepare(shard.Options(tmp_path, tmp_path / "shards"))
    with pytest.raises(ManifestError, match=r"shards\.jsonl: found 24 clips in which nothing"):
        load_shares(replace(config, data=tmp_path / "shards"), Classes(tuple(HERTZ)))
    for data in (tmp_path, tmp_path / "shards"):
        for file in data.glob("train.*"):
            file.rename(file.with_name(file.name.replace("train", "valid")))
        with pytest.raises(
            ManifestError, match=r"valid\..*found 24 clips .* best model by; add su"
        ):
            load_valid(replace(config, data=data), Classes(tuple(HERTZ)))
    last = replace(config, training=replace(config.training, keep="last"))
    assert load_valid(replace(last, data=tmp_path), Classes(tuple(HERTZ)))
    model = save_small_tagger(tmp_path / "run")
    with pytest.raises(InputError, match=r"24 clips in which nothing is heard.* no score"):
        evaluate(Options(model, tmp_path / "valid.jsonl"))


def test_one_class_needs_clips_without_it(
    folds: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    classes = Classes(("low, deep",))
    clips = [replace(c, fold=None) for c in read_manifest(folds / "all.jsonl")]
    low = [c for c in clips if c.tags == classes.names]
    (tmp_path / "audio").symlink_to(folds / "audio")
    write_manifest(tmp_path / "train.jsonl", low)
    with pytest.raises(ManifestError, match=r"found one class, 'low, deep'.*labels several"):
        load_shares(replace(TINY, data=tmp_path), classes)
    warn_of_rare(low, classes, tmp_path)
    assert "no clip without them, so that they are heard in anything: low, deep" in caplog.text


def test_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.audio_tagging.train", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "classes.txt: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
