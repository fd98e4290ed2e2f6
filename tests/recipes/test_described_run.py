"""What a run folder is bound to, when, and what it says to another run."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch

from audio_rnn.config import read_yaml, to_dict
from audio_rnn.distributed.processes import Process
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.errors import TrainingError
from recipes import same_run
from recipes.same_run import holding_run

REPO = Path(__file__).parents[2]
ALONE = Process(0, 1, torch.device("cpu"))


@dataclass(frozen=True)
class Recipe:
    run_dir: Path = Path("runs/x")
    data: Path = Path("data/x")
    init: Path | None = None
    training: TrainingConfig = field(default_factory=TrainingConfig)


def describe_run(folder: Path, config: object, process: Process = ALONE) -> None:
    """Start, and fail before the first step."""
    with holding_run(folder, config, process):
        pass


def begin(folder: Path, config: object) -> None:
    """A run that has come to its first checkpoint."""
    describe_run(folder, config)
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint/checkpoint.json").touch()


def with_training(**change: object) -> Recipe:
    return Recipe(training=TrainingConfig(**change))  # type: ignore[arg-type]


def test_a_run_of_another_config_is_refused(tmp_path: Path) -> None:
    begin(tmp_path, Recipe())
    describe_run(tmp_path, Recipe())
    with pytest.raises(TrainingError, match=r"training\.rate: 0\.002 there, 0\.5 now\); choose"):
        describe_run(tmp_path, with_training(rate=0.5))


def test_a_run_may_go_on_on_another_machine(tmp_path: Path) -> None:
    begin(tmp_path, Recipe())
    moved = with_training(device="cuda:1", threads=3, tensorboard=True, save_every=7)
    describe_run(tmp_path, moved)
    assert read_yaml(tmp_path / "config.yaml")["training"]["device"] == "cuda:1"


@dataclass(frozen=True)
class Shards:
    size: int = 100
    source: str = ""


@dataclass(frozen=True)
class Newer(Recipe):
    """The recipe after an update of the toolkit, with a field and a section more."""

    shards: Shards = field(default_factory=Shards)


def test_a_run_from_before_a_field_goes_on_with_its_default(tmp_path: Path) -> None:
    begin(tmp_path / "whole", Recipe())
    describe_run(tmp_path / "whole", Newer())
    begin(tmp_path / "part", Newer())
    path = tmp_path / "part" / "config.yaml"
    path.write_text(path.read_text().replace("  size: 100\n", ""))
    assert "size" not in path.read_text()
    describe_run(tmp_path / "part", Newer())
    begin(tmp_path / "other", Recipe())
    with pytest.raises(TrainingError, match=r"shards\.size: 100 there, 7 now"):
        describe_run(tmp_path / "other", Newer(shards=Shards(7)))


def test_a_start_that_failed_binds_nothing(tmp_path: Path) -> None:
    describe_run(tmp_path, Recipe())
    describe_run(tmp_path, with_training(rate=0.5))
    begin(tmp_path, with_training(rate=0.1))
    with pytest.raises(TrainingError, match=r"rate: 0\.1 there"):
        describe_run(tmp_path, Recipe())


def test_a_model_binds_too(tmp_path: Path) -> None:
    """Of a run whose checkpoint was deleted to save room."""
    describe_run(tmp_path, Recipe())
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.json").touch()
    with pytest.raises(TrainingError, match="holds a run of another config"):
        describe_run(tmp_path, with_training(rate=0.5))


def test_a_config_that_no_training_wrote_is_kept(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("editor: {theme: dark}\n")
    with pytest.raises(TrainingError, match="holds a run of another config"):
        describe_run(tmp_path, Recipe())
    assert "dark" in (tmp_path / "config.yaml").read_text()


def test_a_folder_that_another_training_holds_is_not_described_anew(tmp_path: Path) -> None:
    describe_run(tmp_path, Recipe())
    before = (tmp_path / "config.yaml").read_text()
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process does
        with pytest.raises(TrainingError, match="another training runs in this folder"):
            describe_run(tmp_path, with_training(rate=0.5))
    assert (tmp_path / "config.yaml").read_text() == before


def test_of_several_processes_the_first_holds_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which the others may not even see."""
    monkeypatch.setattr(same_run, "from_all", lambda own, _: [own, own])
    second = Process(1, 2, torch.device("cpu"))
    with holding_run(tmp_path / "theirs", Recipe(), second):
        assert not (tmp_path / "theirs").exists()
    with (
        holding_run(tmp_path / "ours", Recipe(), replace(second, rank=0)),
        holding_run(tmp_path / "ours", Recipe(), second),
    ):
        assert (tmp_path / "ours/run.json").exists()


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (Recipe(Path("a"), Path("b"), training=TrainingConfig(device="cuda:1", threads=2)), None),
        (with_training(save_every=7), "training.save_every: None in the first, 7 in another"),
        (Recipe(init=Path("a")), "init: None in the first, 'a' in another"),
    ],
)
def test_processes_of_different_configs_stop_instead_of_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: Recipe, told: str | None
) -> None:
    other = to_dict(theirs)
    monkeypatch.setattr(same_run, "from_all", lambda own, _: [own, {**own, **other}])
    with pytest.raises(TrainingError, match=re.escape(told)) if told else nullcontext():
        describe_run(tmp_path, Recipe())
    assert (tmp_path / "run.json").exists() == (told is None)


def test_a_process_without_a_gpu_among_others_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_run, "from_all", lambda own, _: [{**own, "device": "cuda"}, own])
    with pytest.raises(TrainingError, match="device: 'cuda' in the first, 'cpu' in another"):
        describe_run(tmp_path, Recipe())


def test_each_start_of_a_run_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command, commit, versions, device and number of processes; the last one on top."""
    monkeypatch.setattr(same_run, "from_all", lambda own, _: [own, own])
    for epoch, first in enumerate(("once", "again", "at last")):
        monkeypatch.setattr(sys, "argv", ["/some/where/train.py", "--run-dir", first])
        process = replace(ALONE, world=epoch + 1)
        if epoch == 1:
            begin(tmp_path, Recipe())
        else:
            describe_run(tmp_path, Recipe(), process)
    last = json.loads((tmp_path / "run.json").read_text())
    assert last["command"] == ["train.py", "--run-dir", "at last"]
    assert last["device"] == "cpu" and last["processes"] == 3
    (again,) = last.pop("earlier")  # the start before it had come to nothing
    assert again["command"] == ["train.py", "--run-dir", "again"]
    assert again.keys() == last.keys() and again["processes"] == 1
    assert again["packages"]["torch"] == torch.__version__.split("+")[0]


def test_the_commit_is_that_of_the_code(tmp_path: Path) -> None:
    if not (REPO / ".git").exists():
        pytest.skip("this is no checkout")
    describe_run(tmp_path, Recipe())
    commit = json.loads((tmp_path / "run.json").read_text())["commit"].removesuffix("-dirty")
    told, head = (
        subprocess.check_output(["git", "rev-parse", f"{name}^{{commit}}"], cwd=REPO)
        for name in (commit, "HEAD")
    )
    assert told == head


def test_without_git_there_is_no_commit_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    describe_run(tmp_path, Recipe())
    assert json.loads((tmp_path / "run.json").read_text())["commit"] is None


def test_a_run_of_an_older_toolkit_goes_on_with_what_it_told_of_its_start(tmp_path: Path) -> None:
    begin(tmp_path, Recipe())
    old = {"python": "3.11.2", "commit": "abc", "command": ["train.py"]}
    (tmp_path / "run.json").write_text(json.dumps(old))
    describe_run(tmp_path, Recipe())
    describe_run(tmp_path, Recipe())
    last = json.loads((tmp_path / "run.json").read_text())
    assert last["earlier"][0] == old and len(last["earlier"]) == 2
    assert "earlier" not in last["earlier"][1]


@pytest.mark.parametrize("text", ['{"pyth', "[1]", "7", '{"earlier": 1}', "\xff"])
def test_facts_that_no_training_wrote_are_an_error_and_stay(tmp_path: Path, text: str) -> None:
    begin(tmp_path, Recipe())
    (tmp_path / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(TrainingError, match=r"run\.json: found no facts of a run.*delete it"):
        describe_run(tmp_path, Recipe())
    assert (tmp_path / "run.json").read_bytes() == text.encode("latin-1")
    (tmp_path / "run.json").unlink()
    describe_run(tmp_path, Recipe())


def test_how_a_place_is_written_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("runs/x")
    begin(folder, Recipe(init=Path("runs/parent")))
    folder.rename("runs/y")
    whole = Recipe(tmp_path / "runs/y", tmp_path / "data/x", tmp_path / "runs/../runs/parent")
    describe_run(Path("runs/y"), whole)
    for other in (Path("runs/other"), None):
        with pytest.raises(TrainingError, match=r"\(init: "):
            describe_run(Path("runs/y"), replace(whole, init=other))


def test_more_epochs_where_the_schedule_plans_no_end(tmp_path: Path) -> None:
    begin(tmp_path, with_training(epochs=40, schedule="plateau"))
    describe_run(tmp_path, with_training(epochs=42, schedule="plateau"))
    assert read_yaml(tmp_path / "config.yaml")["training"]["epochs"] == 42


def test_more_epochs_of_a_schedule_that_has_ended(tmp_path: Path) -> None:
    begin(tmp_path, with_training(epochs=40))
    with pytest.raises(TrainingError, match=r"epochs: 40 there, 42 now\).* --init .* --run-dir"):
        describe_run(tmp_path, with_training(epochs=42))


def test_a_disk_that_is_full_at_the_start_leaves_no_half_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("audio_rnn.drafts.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            describe_run(tmp_path, Recipe())
    assert not (tmp_path / "config.yaml").exists()
    begin(tmp_path, Recipe())
    describe_run(tmp_path, Recipe())
