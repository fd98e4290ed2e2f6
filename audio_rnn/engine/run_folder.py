"""The folder of one training: config, versions, command, history, curves; one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audio_rnn import storage
from audio_rnn.config import differences, read_yaml, save, to_dict
from audio_rnn.engine import checkpoint
from audio_rnn.errors import TrainingError

PACKAGES = ("audio-rnn", "torch", "torchaudio", "numpy", "soundfile", "librosa")

FREE = {  # fields that say where and how comfortably, not what: a run may go on with others
    *("run_dir", "data", "training.device", "training.threads", "batches.workers"),
    "shards.source",
    *("training.tensorboard", "training.log_layers", "training.save_every"),
}


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises TrainingError when another one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"{folder}: another training runs in this folder; choose another run_dir"
            ) from None
        yield


def has_begun(folder: Path) -> bool:
    """Whether a training has left a state or a model that no other one may replace."""
    kept = checkpoint.present(folder / "checkpoint") or (folder / "model/model.json").is_file()
    ours = (folder / "run.json").exists() or not (folder / "config.yaml").exists()
    return kept or not ours


def describe_run(folder: Path, config: object) -> None:
    """Write config, versions, commit and command.

    Raises: TrainingError when the folder is in use, or holds a run of another config, but for
    fields in FREE. A run that failed before its first checkpoint does not count.
    """
    with claimed(folder):
        path = folder / "config.yaml"
        if path.exists() and has_begun(folder):
            _check_same(folder, read_yaml(path), to_dict(config))
        _write_facts(folder, config)


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
        listed = ", ".join([*changed.values()][:5])
        raise TrainingError(f"{folder}: holds a run of another config ({listed}); {remedy}")


def _same_place(a: object, b: object) -> bool:
    return isinstance(a, str) and isinstance(b, str) and Path(a).resolve() == Path(b).resolve()


def _write_facts(folder: Path, config: object) -> None:
    path, draft = folder / "config.yaml", folder / "config.yaml.part"
    save(config, draft)
    draft.replace(path)  # at once, so that a full disk leaves no broken one
    facts = {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }
    (folder / "run.json").write_text(json.dumps(facts, indent=1) + "\n")


def append_history(folder: Path, entry: dict[str, Any]) -> None:
    """One more line of history.jsonl."""
    with (folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def read_history(folder: Path) -> list[dict[str, Any]]:
    """All entries of history.jsonl, but for a last line that a crash or a full disk cut off.

    Raises: TrainingError for a line that training has not written.
    """
    path = folder / "history.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    whole = lines if lines and lines[-1].endswith("}") else lines[:-1]
    return [_entry(line, f"{path}:{n}") for n, line in enumerate(whole, 1)]


def _entry(line: str, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not (isinstance(entry, dict) and all(type(entry.get(k)) is int for k in ("epoch", "step"))):
        raise TrainingError(
            f"{where}: found {line[:40]!r}, expected an entry with epoch and step, as training "
            "writes it; delete the line"
        )
    return entry


def cut_history(folder: Path, step: int) -> None:
    """Drop entries after `step`, which a resumed run will write again."""
    kept = [entry for entry in read_history(folder) if entry["step"] <= step]
    text = "".join(json.dumps(entry) + "\n" for entry in kept)
    path = folder / "history.jsonl"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        storage.write_text(path, text)


def _commit() -> str | None:
    here = Path(__file__).parent
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return run.stdout.strip() or None
