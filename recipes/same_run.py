"""A run goes on only with the config, the vocabulary and the data that it began with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from audio_rnn.config import differences, read_yaml, to_dict
from audio_rnn.distributed.processes import Process, agreed, from_all, unbroken
from audio_rnn.errors import TrainingError
from audio_rnn.runs import checkpoint
from audio_rnn.runs.folder import claimed
from audio_rnn.storage import write_text
from audio_rnn.vocabulary import Vocabulary
from recipes.run_facts import write_facts

LOCAL = {  # fields that say where and how comfortably, not what: each machine may have its own
    *("run_dir", "data", "training.device", "training.threads", "batches.workers"),
    "shards.source",
}
FREE = LOCAL | {  # a run may go on with others
    *("training.tensorboard", "training.log_layers", "training.save_every"),
}


def has_begun(folder: Path) -> bool:
    """Whether a training has left a state or a model that no other one may replace."""
    kept = checkpoint.present(folder / "checkpoint") or (folder / "model/model.json").is_file()
    ours = (folder / "run.json").exists() or not (folder / "config.yaml").exists()
    return kept or not ours


@contextmanager
def holding_run(folder: Path, config: object, process: Process) -> Iterator[None]:
    """Within: the first process holds the folder, and has told there what runs in it.

    All that a run writes is written within, lest two that start together mix their files.

    Raises: TrainingError when the folder is in use, or holds a run of another config, but for
    fields in FREE, or when another process has another config, but for fields in LOCAL. A run that
    failed before its first checkpoint does not count.
    """
    _check_alike(config, process)
    if not process.first:
        yield
        return
    with claimed(folder):
        _describe(folder, config, process)
        yield


def _check_alike(config: object, process: Process) -> None:
    """Processes that save or validate at other steps, or on other devices, would wait for each other.

    Raises: TrainingError naming the fields that differ.
    """
    own = {**to_dict(config), "device": process.device.type}
    with unbroken():
        first, *others = from_all(own, process)
    for other in others:
        changed = {
            name: f"{name}: {a!r} in the first, {b!r} in another"
            for name, (a, b) in differences(first, other).items()
            if name not in LOCAL and not (name == "init" and a and b)
        }
        if changed:
            raise TrainingError(
                f"found processes with different configs ({_listed(changed)}); give every machine "
                "the same"
            )


def _describe(folder: Path, config: object, process: Process) -> None:
    path, begun = folder / "config.yaml", has_begun(folder)
    if path.exists() and begun:
        old = _completed(read_yaml(path), to_dict(type(config)()))
        _check_same(folder, old, to_dict(config))
    write_facts(folder, config, process, begun)


def _completed(old: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """A config with fields that are newer than its run: these have their defaults, as it did."""
    known = {
        name: _completed(value, defaults[name])
        if isinstance(value, dict) and isinstance(defaults.get(name), dict)
        else value
        for name, value in old.items()
    }
    return {**defaults, **known}


def _check_same(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Raises: TrainingError naming the fields that differ."""
    schedule = new.get("training", {}).get("schedule")
    free = FREE | ({"training.epochs"} if schedule == "plateau" else set())  # it plans no end
    changed = {
        name: f"{name}: {a!r} there, {b!r} now"
        for name, (a, b) in differences(old, new).items()
        if name not in free and not (name == "init" and _same_place(a, b))
    }
    if changed:
        remedy = "choose another run_dir, or delete the folder to start anew"
        if "init" in new and changed.keys() == {"training.epochs"}:
            remedy = (
                "its learning rate falls over a planned number of epochs, so go on with its model "
                f"in another run: --init {folder} --run-dir ANOTHER"
            )
        raise TrainingError(
            f"{folder}: holds a run of another config ({_listed(changed)}); {remedy}"
        )


def _listed(changed: dict[str, str]) -> str:
    return ", ".join([*changed.values()][:5])


def _same_place(a: object, b: object) -> bool:
    return isinstance(a, str) and isinstance(b, str) and Path(a).resolve() == Path(b).resolve()


def keep_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write the vocabulary of a new run. Raises: TrainingError when a run goes on with another."""
    if not (path.exists() and has_begun(path.parent)):
        vocabulary.save(path)
    elif Vocabulary.load(path) != vocabulary:
        raise TrainingError(
            f"{path.parent}: holds a run with another vocabulary, of {len(Vocabulary.load(path))} "
            f"symbols, than that of the data, of {len(vocabulary)}; choose another run_dir, or "
            "delete the folder to start anew"
        )


def keep_digest(path: Path, data: Path, process: Process) -> None:
    """Write the SHA-256 of a file of data for a new run; all processes call this.

    Raises: TrainingError when a run goes on with another, or another process has another: shares of
    different data are shares of nothing.
    """
    digest = sha256(data.read_bytes()).hexdigest()
    agreed(digest, f"as SHA-256 of {data.name}", process)
    if not process.first:
        return
    if not (path.exists() and has_begun(path.parent)):
        write_text(path, f"{digest}  {data.name}\n")
    elif path.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise TrainingError(
            f"{path.parent}: holds a run with other data than {data} holds now; "
            "choose another run_dir, or delete the folder to start anew"
        )
