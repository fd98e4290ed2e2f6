"""Tensors and plain values on disk: safetensors beside JSON, replaced at once, checked by hash.

`NAME.json` names its tensor file and that file's SHA-256, and holds a SHA-256 of all its own
other values. The tensors are written first and the JSON is moved into place last, so whatever
interrupts a save, the previous one stays whole. Nothing that is read here can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from audio_rnn.drafts import replacing
from audio_rnn.errors import ModelError, reason

VERSION = 1
SIGNATURE = "description_sha256"


def save(folder: Path, name: str, description: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write `description` (JSON values) and `tensors` as `name` into `folder`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder, name)
    draft = folder / f".{name}.safetensors.{os.getpid()}"
    try:
        _write_tensors(draft, tensors)
        digest = _digest(draft)
        weights = folder / f"{name}-{digest[:12]}.safetensors"
        draft.replace(weights)
    finally:
        draft.unlink(missing_ok=True)
    values = {"version": VERSION, "tensors": weights.name, "sha256": digest, **description}
    values[SIGNATURE] = sign(values)
    write_text(folder / f"{name}.json", json.dumps(values, indent=1, ensure_ascii=False))
    _flush_folder(folder)
    for old in folder.glob(f"{name}-{'[0-9a-f]' * 12}.safetensors"):
        if old.name != weights.name:
            old.unlink()


def load(
    folder: Path, name: str, remedy: str = "copy the whole folder again"
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what `save` wrote.

    Raises: ModelError, with the `remedy` for damage, when a part is missing, of a newer version or not what was saved.
    """
    values = _read_json(folder / f"{name}.json", remedy)
    version = values.get("version")
    if version != VERSION:
        advice = (
            "update audio_rnn" if isinstance(version, int) and version > VERSION else "train again"
        )
        raise ModelError(
            f"{folder}: format version: found {version!r}, expected {VERSION}; {advice}"
        )
    if values.get(SIGNATURE) != sign(values):
        raise ModelError(f"{folder}: {name}.json differs from what was saved; {remedy}")
    weights = folder / Path(str(values.get("tensors"))).name
    if not weights.is_file():
        raise ModelError(f"{folder}: {weights.name} is missing; {remedy}")
    try:
        if _digest(weights) != values.get("sha256"):
            raise ModelError(f"{weights}: SHA-256 differs from what was saved; {remedy}")
        return values, load_file(weights)
    except OSError as error:
        raise ModelError(f"{weights}: cannot be read: {error.strerror}; {remedy}") from error
    except SafetensorError as error:
        raise ModelError(f"{weights}: not a safetensors file: {error}; {remedy}") from error


def sign(values: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a description, its signature left out."""
    signed = {key: value for key, value in values.items() if key != SIGNATURE}
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Replace a text file at once. Raises OSError and leaves the old one."""
    with replacing(path) as file:
        file.write(text.encode())


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    # Clones, because safetensors refuses tensors that share memory.
    copies = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
    path.touch()
    mode = path.stat().st_mode  # of an ordinary new file, where safetensors makes a private one
    try:
        save_file(copies, path)
    except SafetensorError as error:  # safetensors wraps what the disk says
        raise OSError(f"{path}: {error}") from error
    path.chmod(mode)
    with path.open("rb") as file:
        _flush(file.fileno())


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make what was moved in it outlast a power cut, before what it replaces is deleted."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, name: str) -> None:
    """Delete drafts whose writer was killed; nobody else writes this name into the folder."""
    for kind in ("safetensors", "json"):
        for draft in folder.glob(f".{name}.{kind}.*"):
            draft.unlink(missing_ok=True)


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path.parent}: {path.name} is missing; expected a folder that training wrote"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}; {remedy}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: found {type(values).__name__}, expected a mapping; {remedy}")
    return values


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
