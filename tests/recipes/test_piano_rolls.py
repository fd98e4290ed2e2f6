"""The recipe of piano rolls from the files of the field to scores, and on a user's mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from audio_rnn import config as configs
from audio_rnn.data.rolls import KEYS, LOWEST_PITCH, Roll, read_rolls, write_rolls
from audio_rnn.errors import ConfigError, MusicError, TrainingError
from audio_rnn.models.rolls import RollModel
from audio_rnn.runs.history import read_history
from recipes.music_generation import evaluate_rolls, prepare_jsb, prepare_pianorolls
from recipes.music_generation.adaptation import SEGMENT
from recipes.music_generation.leakage import shares_tune
from recipes.music_generation.roll_files import SPLITS, repeats
from recipes.music_generation.train_rolls import RecipeConfig, train

REPO = Path(__file__).parents[2]
CONF = REPO / "conf" / "music_generation"
DEBUG = configs.load(RecipeConfig, CONF / "debug_roll.yaml")
SHARED = REPO.parent / "shared" / "data"


def triads(frames: int, seed: int) -> np.ndarray:
    """(frames, 88): a chord that wanders."""
    random = np.random.default_rng(seed)
    roots = 30 + np.cumsum(random.choice([-2, 0, 2], frames)) % 12
    return np.eye(KEYS, dtype=np.uint8)[roots[:, None] + [0, 4, 7]].sum(axis=1).astype(np.uint8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set as it is distributed, prepared."""
    folder = tmp_path_factory.mktemp("corpus")
    arrays = {}
    for number, split in enumerate(SPLITS):
        pieces = [triads(10 + 5 * n, 10 * number + n) for n in range(4)]
        arrays[f"{split}data"] = np.empty((1, 4), object)
        arrays[f"{split}data"][0] = pieces
    savemat(folder / "set.mat", arrays)
    prepare_pianorolls.prepare(prepare_pianorolls.Options(folder / "set.mat", folder))
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the debug config."""
    run_dir = tmp_path_factory.mktemp("run")
    train(replace(DEBUG, data=corpus, run_dir=run_dir))
    return run_dir


def test_the_rolls_are_those_of_the_set(corpus: Path) -> None:
    rolls = read_rolls(corpus / "valid.npz")
    assert list(rolls) == ["valid-001", "valid-002", "valid-003", "valid-004"]
    assert np.array_equal(rolls["valid-002"][:, 0], triads(15, 11))


def test_the_debug_config_trains_and_is_scored(
    run: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = [entry for entry in read_history(run) if "nats" in entry]
    assert len(scores) == 2 and scores[1]["nats"] < scores[0]["nats"]
    options = evaluate_rolls.Options((run,), corpus / "valid.npz", corpus / "train.npz", 5, "cpu")
    by_head = evaluate_rolls.evaluate(options)
    for head, likelihood in by_head.items():
        assert likelihood.frame == pytest.approx(scores[1][head], rel=1e-5)
    found = by_head["joint"]
    means = [nats.mean() for nats in found.nats.values()]
    assert found.piece == pytest.approx(np.mean(means))
    assert found.after_first != found.frame != found.piece
    assert {len(nats) for nats in found.nats.values()} == {10, 15, 20, 25}
    assert f"{found.frame:.4f}" in capsys.readouterr().out


def test_a_model_brings_along_the_pieces_that_it_looks_up(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for split in SPLITS:
        keys = 40 + random.integers(-1, 2, (5, 30, 3)).cumsum(axis=1)
        rolls = np.eye(KEYS, dtype=np.uint8)[keys]
        write_rolls(tmp_path / f"{split}.npz", {f"{split}-{n}": r for n, r in enumerate(rolls)})
    model = replace(DEBUG.model, heads=("voices",))
    run_dir = tmp_path / "run"
    train(replace(DEBUG, data=tmp_path, run_dir=run_dir, model=model, library=True))
    trained = RollModel.load(run_dir)
    assert trained.library is not None
    assert trained.library.names == tuple(f"train-{n}" for n in range(5))
    found = evaluate_rolls.measure(trained, read_rolls(tmp_path / "valid.npz"))
    assert found["voices"].frame == pytest.approx(list(read_history(run_dir))[-1]["nats"], rel=1e-5)


def test_several_models_tell_with_the_mean_of_their_probabilities(run: Path, corpus: Path) -> None:
    rolls = read_rolls(corpus / "valid.npz")
    one = RollModel.load(run)
    torch.manual_seed(5)
    other = RollModel(one.config).eval()
    parts = [evaluate_rolls.measure(model, rolls) for model in (one, other)]
    both = evaluate_rolls.mean(parts)
    for head in one.heads:
        for name in rolls:
            chances = [np.exp(-part[head].nats[name]) for part in parts]
            assert np.allclose(np.exp(-both[head].nats[name]), np.mean(chances, axis=0))
    only = {head: part for head, part in parts[0].items() if head == "joint"}
    with pytest.raises(
        MusicError, match="found models with the heads joint and joint, independent"
    ):
        evaluate_rolls.mean([only, parts[1]])


def test_a_model_that_adapts_learns_from_the_past_of_each_piece_only(
    run: Path, corpus: Path
) -> None:
    model = RollModel.load(run)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    piece = np.tile(triads(4, 3)[:, None], (SEGMENT, 1, 1))
    changed = piece.copy()
    changed[3 * SEGMENT :] = 0
    plain = evaluate_rolls.measure(model, {"a": piece})
    found = evaluate_rolls.measure(model, {"a": piece, "b": changed, "c": piece}, adapt=0.1)
    for head, likelihood in found.items():
        a, b, c = likelihood.nats.values()
        assert np.array_equal(a, c)
        assert np.array_equal(a[: 3 * SEGMENT], b[: 3 * SEGMENT])
        assert np.allclose(a[:SEGMENT], plain[head].nats["a"][:SEGMENT], atol=1e-5)
        assert likelihood.of({"a"}).frame < plain[head].frame
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_options_of_scoring_that_make_no_sense_are_named() -> None:
    options = evaluate_rolls.Options((Path("model"),), Path("test.npz"))
    for bad in (-0.1, float("nan")):
        with pytest.raises(ConfigError, match=r"adapt: found .*, expected 0 to 1"):
            replace(options, adapt=bad)
    with pytest.raises(ConfigError, match=r"model: found \(\), expected one or more"):
        replace(options, model=())


def test_scores_come_from_the_command(run: Path, corpus: Path) -> None:
    script = "recipes.music_generation.evaluate_rolls"
    command = [sys.executable, "-m", script, "--model", str(run), "--rolls"]
    bad = subprocess.run(
        [*command, str(corpus / "set.mat")], capture_output=True, text=True, cwd=REPO
    )
    assert bad.returncode == 1 and "set.mat: cannot be read" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_run_goes_on_with_its_own_data_only(run: Path, corpus: Path, tmp_path: Path) -> None:
    for split in SPLITS:
        (tmp_path / f"{split}.npz").write_bytes((corpus / "test.npz").read_bytes())
    with pytest.raises(TrainingError, match="other data"):
        train(replace(DEBUG, data=tmp_path, run_dir=run))


def test_a_set_with_something_missing_or_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.mat"
    with pytest.raises(MusicError, match=r"set\.mat: cannot be read"):
        prepare_pianorolls.read_mat(path)
    savemat(path, {"traindata": np.zeros((2, 3))})
    arrays = prepare_pianorolls.read_mat(path)
    with pytest.raises(MusicError, match="found traindata, expected testdata"):
        prepare_pianorolls.rolls(arrays, path, "test")
    pieces = np.empty((1, 1), object)
    pieces[0, 0] = np.full((3, KEYS), 2)
    with pytest.raises(MusicError, match=r"train-001.*expected \(frames, 88\) of 0 and 1"):
        prepare_pianorolls.rolls({"traindata": pieces}, path, "train")


def test_the_share_of_repeats_is_that_of_frames_after_eight_that_agree() -> None:
    once = np.eye(KEYS, dtype=np.uint8)[:12, np.newaxis]
    assert repeats({"a": np.concatenate([once, once])}) == (4 / 24, 1.0)
    assert repeats({"a": once}) == (0.0, 0.0)


def jsb(tmp_path: Path, piece: list[list[float]]) -> Path:
    path = tmp_path / "jsb.json"
    path.write_text(json.dumps({split: [piece] for split in SPLITS}), encoding="utf-8")
    return path


def pitches(roll: Roll) -> list[list[int]]:
    """Of each voice in each frame, -1 for a rest."""
    keys = np.where(roll.any(axis=2), roll.argmax(axis=2) + LOWEST_PITCH, -1)
    return keys.tolist()


def test_chorales_are_four_voices_and_a_missing_one_rests(tmp_path: Path) -> None:
    nan = float("nan")
    piece = [[72, 67, 60, 48], [71, 62, 50.0], [], [nan, 67, 60, 48], [74, -1, 60, 48]]
    prepare_jsb.prepare(prepare_jsb.Options(jsb(tmp_path, piece), tmp_path))  # type: ignore[arg-type]
    (roll,) = read_rolls(tmp_path / "test.npz").values()
    assert pitches(roll) == [
        [72, 67, 60, 48],
        [71, -1, 62, 50],
        [-1, -1, -1, -1],
        [-1, 67, 60, 48],
        [74, -1, 60, 48],
    ]


@pytest.mark.parametrize(
    ("frame", "message"),
    [([72, 67, 60, 48, 40], "found 5 notes"), ([72, 67, 60, 4], "expected 21 to 108")],
)
def test_a_chorale_that_is_none_is_named(tmp_path: Path, frame: list[float], message: str) -> None:
    path = jsb(tmp_path, [[72, 67, 60, 48], frame])
    with pytest.raises(MusicError, match=rf"jsb\.json: train-001, frame 1: .*{message}"):
        prepare_jsb.prepare(prepare_jsb.Options(path, tmp_path))


def test_a_tune_is_shared_in_any_key_and_anywhere_but_not_when_it_stands_still() -> None:
    def tune(keys: list[int]) -> Roll:
        return np.eye(KEYS, dtype=np.uint8)[keys][:, np.newaxis]

    train = [tune([40, 42, 44, 45, 47, 47, 47, 47, 47])]
    pieces = {
        "moved": tune([10, 53, 55, 56, 58]),
        "other": tune([40, 43, 46, 49, 52]),
        "still": tune([30, 30, 30, 30]),
        "short": tune([42, 44]),
    }
    assert shares_tune(pieces, train, 4) == {"moved"}


@pytest.mark.skipif(not SHARED.exists(), reason="needs the corpora in ../shared/data")
def test_34_test_chorales_share_four_bars_of_soprano_with_training(tmp_path: Path) -> None:
    source = SHARED / "jsb" / "jsb-chorales-16th.json"
    prepare_jsb.prepare(prepare_jsb.Options(source, tmp_path))
    test, train_rolls = (read_rolls(tmp_path / f"{split}.npz") for split in ("test", "train"))
    assert (len(train_rolls), len(test)) == (229, 77)
    assert sum(len(roll) for roll in test.values()) == 18_900
    assert len(shares_tune(test, train_rolls.values(), 64)) == 34
