"""What is stored comes back whole, or the one before it does, or a named error says why not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from audio_rnn import storage
from audio_rnn.errors import ModelError

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(7)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which "model" is stored."""
    storage.save(tmp_path, "model", {"kind": "speech", "epoch": 1}, TENSORS)
    return tmp_path


def weights(folder: Path) -> Path:
    return next(folder.glob("model-*.safetensors"))


def change(folder: Path, **values: object) -> None:
    """Change entries of the description; None takes one out."""
    path = folder / "model.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in {**old, **values}.items() if v is not None}))


def forge(folder: Path, **values: object) -> None:
    """Change entries of the description, and its signature with them."""
    change(folder, **values)
    new = json.loads((folder / "model.json").read_text())
    change(folder, description_sha256=storage.sign(new))


def assert_first_save(folder: Path) -> None:
    values, tensors = storage.load(folder, "model")
    assert values["epoch"] == 1
    assert torch.equal(tensors["weight"], TENSORS["weight"])


def test_values_and_tensors_come_back(tmp_path):
    shared = torch.randn(4, 4)
    tensors = {
        "a": shared,
        "b": shared.T,
        "half": shared[:, ::2].bfloat16(),
        "none": torch.zeros(0, 3),
    }
    storage.save(tmp_path / "new" / "deep", "x", {"names": ["ü", None], "n": 1.5}, tensors)
    values, loaded = storage.load(tmp_path / "new" / "deep", "x")
    assert values["names"] == ["ü", None]
    assert values["n"] == 1.5
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[k], t) and loaded[k].dtype == t.dtype for k, t in tensors.items())


def test_the_tensors_can_be_read_by_whom_the_description_can(folder):
    assert weights(folder).stat().st_mode == (folder / "model.json").stat().st_mode
    plain = folder / "plain"
    plain.touch()
    assert weights(folder).stat().st_mode == plain.stat().st_mode


def test_a_second_save_replaces_the_first(folder):
    storage.save(folder, "model", {"epoch": 2}, {"weight": torch.ones(1)})
    assert storage.load(folder, "model")[0]["epoch"] == 2
    assert len(list(folder.iterdir())) == 2


def test_equal_tensors_with_a_new_description(folder):
    storage.save(folder, "model", {"epoch": 2}, TENSORS)
    assert storage.load(folder, "model")[0]["epoch"] == 2


def test_names_that_begin_alike_do_not_touch_each_other(folder):
    storage.save(folder, "model-best", {"epoch": 5}, {"weight": torch.ones(1)})
    storage.save(folder, "model", {"epoch": 2}, {"weight": torch.zeros(1)})
    assert storage.load(folder, "model-best")[0]["epoch"] == 5


def test_a_copied_folder_is_whole(folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copies") / "model"
    shutil.copytree(folder, copy)
    assert_first_save(copy)


@pytest.mark.parametrize("place", [0, 9, -1])
def test_a_flipped_bit_is_found(folder, place):
    data = bytearray(weights(folder).read_bytes())
    data[place] ^= 1
    weights(folder).write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        storage.load(folder, "model")


def test_a_truncated_tensor_file_is_found(folder):
    weights(folder).write_bytes(weights(folder).read_bytes()[:-4])
    with pytest.raises(ModelError, match="SHA-256"):
        storage.load(folder, "model")


@pytest.mark.parametrize("part", ["model.json", "model-*.safetensors"])
def test_a_missing_part_is_named(folder, part):
    path = next(folder.glob(part))
    path.unlink()
    with pytest.raises(ModelError, match=f"{path.name} is missing"):
        storage.load(folder, "model")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "found 2, expected 1; update audio_rnn"),
        ({"version": 0}, "found 0, expected 1; train again"),
        ({"version": None}, "found None, expected 1; train again"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"sha256": None}, "SHA-256"),
        ({"tensors": None}, "None is missing"),
        ({"tensors": "other.safetensors"}, "other.safetensors is missing"),
        ({"tensors": ".."}, "is missing"),
    ],
)
def test_a_forged_description_is_refused(folder, changes, message):
    forge(folder, **changes)
    with pytest.raises(ModelError, match=message):
        storage.load(folder, "model")


@pytest.mark.parametrize(
    "changes", [{"kind": "sound"}, {"epoch": None}, {"new": 1}, {"description_sha256": None}]
)
def test_a_changed_description_is_refused(folder, changes):
    change(folder, **changes)
    with pytest.raises(ModelError, match=r"model\.json differs from what was saved"):
        storage.load(folder, "model")


def test_a_description_written_in_another_order_is_the_same(folder):
    path = folder / "model.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(dict(sorted(values.items(), reverse=True)), indent=4))
    assert_first_save(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'"model"'])
def test_a_description_that_is_no_mapping_is_refused(folder, content):
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json: (cannot be read|found)"):
        storage.load(folder, "model")


def test_a_description_cannot_point_out_of_its_folder(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "stolen.safetensors"
    shutil.copy(weights(folder), outside)
    forge(folder, tensors=str(outside))
    with pytest.raises(ModelError, match=r"stolen\.safetensors is missing"):
        storage.load(folder, "model")


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_loading_runs_no_code(folder, tmp_path):
    """Weights that are a pickle or a torch checkpoint, and a description that vouches for them."""
    sprung = tmp_path / "sprung"
    for dump in (
        lambda p: p.write_bytes(pickle.dumps(Trap(sprung))),
        lambda p: torch.save(Trap(sprung), p),
    ):
        dump(weights(folder))
        forge(folder, sha256=hashlib.sha256(weights(folder).read_bytes()).hexdigest())
        with pytest.raises(ModelError, match="not a safetensors file"):
            storage.load(folder, "model")
    assert not sprung.exists()


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def fail_at(number: int, call, failure):
    """`call`, but its call with this number fails."""
    calls = iter(range(number + 1))

    def wrapped(*arguments, **options):
        return failure() if next(calls, None) == number else call(*arguments, **options)

    return wrapped


def interrupt() -> None:
    raise KeyboardInterrupt


STAGES = {
    "writing the tensors": (storage, "save_file", 0),
    "flushing the tensors": (os, "fsync", 0),
    "hashing": (storage, "_digest", 0),
    "moving the tensors": (Path, "replace", 0),
    "opening the description": (Path, "open", 2),
    "flushing the description": (os, "fsync", 1),
    "moving the description": (Path, "replace", 1),
}


@pytest.mark.parametrize("failure", [no_space, interrupt])
@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_save_leaves_the_one_before(folder, monkeypatch, stage, failure):
    owner, function, number = STAGES[stage]
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, fail_at(number, getattr(owner, function), failure))
        with pytest.raises((OSError, KeyboardInterrupt)):
            storage.save(folder, "model", {"epoch": 2}, {"weight": torch.zeros(9)})
    assert_first_save(folder)
    assert not list(folder.glob(".*")), "a draft was left behind"
    storage.save(folder, "model", {"epoch": 3}, {"weight": torch.zeros(9)})
    assert storage.load(folder, "model")[0]["epoch"] == 3
    assert len(list(folder.iterdir())) == 2


def test_a_full_disk_is_an_os_error(tmp_path):
    """safetensors raises an error of its own; callers catch OSError."""
    with pytest.raises(OSError, match="safetensors"):
        storage._write_tensors(tmp_path / "missing" / "x.safetensors", TENSORS)


def test_an_interrupted_text_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    storage.write_text(path, "old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        storage.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]
