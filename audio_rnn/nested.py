"""Nested values with tensors among them <-> JSON values and named tensors."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def pack(value: Any, name: str) -> tuple[Any, dict[str, Tensor]]:
    """JSON values, and the tensors that stood in them, by their place below `name`."""
    tensors: dict[str, Tensor] = {}
    return _pack(value, name, tensors), tensors


def _pack(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """JSON values with tensors moved to `tensors`; a mapping becomes a list of its items."""
    if isinstance(value, Tensor):
        tensors[place] = value
        return {"tensor": place}
    if isinstance(value, dict):
        return {"items": [[k, _pack(v, f"{place}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_pack(v, f"{place}.{i}", tensors) for i, v in enumerate(value)]
    return value


def unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What `pack` was given; a tuple comes back as a list."""
    if isinstance(value, list):
        return [unpack(v, tensors) for v in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {k: unpack(v, tensors) for k, v in value["items"]}
    return value
