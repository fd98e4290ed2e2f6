"""What binds a run to its vocabulary and data, and from when on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from audio_rnn.distributed import processes
from audio_rnn.distributed.processes import Process
from audio_rnn.errors import TrainingError
from audio_rnn.vocabulary import Vocabulary
from recipes.same_run import keep_digest, keep_vocabulary

ALONE = Process(0, 1, torch.device("cpu"))


def begin(folder: Path) -> None:
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint/checkpoint.json").touch()


def test_a_run_is_bound_to_its_vocabulary_once_it_has_begun(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    keep_vocabulary(path, Vocabulary.from_texts(["ab"]))
    keep_vocabulary(path, Vocabulary.from_texts(["abc"]))
    begin(tmp_path)
    keep_vocabulary(path, Vocabulary.from_texts(["cba"]))
    with pytest.raises(TrainingError, match="another vocabulary, of 4 symbols"):
        keep_vocabulary(path, Vocabulary.from_texts(["ab"]))
    assert Vocabulary.load(path) == Vocabulary.from_texts(["abc"])


def test_a_run_is_bound_to_its_data_once_it_has_begun(tmp_path: Path) -> None:
    path, data = tmp_path / "train.sha256", tmp_path / "train.jsonl"
    for text in ("one", "two"):
        data.write_text(text)
        keep_digest(path, data, ALONE)
    begin(tmp_path)
    keep_digest(path, data, ALONE)
    data.write_text("three")
    with pytest.raises(TrainingError, match=r"other data than .*train\.jsonl holds now"):
        keep_digest(path, data, ALONE)


@pytest.mark.parametrize("rank", [0, 1])
def test_processes_of_different_data_stop_instead_of_sharing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    path, data = tmp_path / "train.sha256", tmp_path / "train.jsonl"
    data.write_text("one")
    process = Process(rank, 2, torch.device("cpu"))
    with monkeypatch.context() as alike:
        alike.setattr(processes, "from_all", lambda value, process: [value, value])
        keep_digest(path, data, process)
    assert path.exists() == process.first
    monkeypatch.setattr(processes, "from_all", lambda value, process: ["5f70", value])
    with pytest.raises(
        TrainingError, match=r"found 5f70, 7692c\w+ as SHA-256 of train\.jsonl in the"
    ):
        keep_digest(path, data, process)
