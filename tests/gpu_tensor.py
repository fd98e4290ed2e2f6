"""A tensor that says it lies on a GPU, and lies in the memory of the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")


class GpuTensor(torch.Tensor):
    """Whose values are only to be had by copying it."""

    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")

    __array__ = numpy

    def __deepcopy__(self, memo: Any) -> Tensor:
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        copied._is_param = isinstance(self, nn.Parameter)
        return copied

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if self.ndim == 0 else repr(self)


def on_gpu(x: Tensor) -> Tensor:
    """The same values there."""
    return x if isinstance(x, GpuTensor) else x.as_subclass(GpuTensor)


def on_cpu(x: Tensor) -> Tensor:
    """The same values here."""
    return x.as_subclass(torch.Tensor)


def move_in_place(x: Tensor, data: Tensor) -> None:
    """`x.data = data`, by which a module moves its parameters: they stay the same objects."""
    with torch._C.DisableTorchFunction():
        x.data = on_cpu(data)
    if data.is_cuda != x.is_cuda:
        kind = nn.Parameter if isinstance(x, nn.Parameter) else Tensor
        x.__class__ = GpuTensor if data.is_cuda else kind
        x._is_param = kind is nn.Parameter


def pinned(x: Tensor) -> Tensor:
    """Marked as memory that the GPU may read and write by itself."""
    x.pinned = True  # type: ignore[attr-defined]
    return x


def is_pinned(x: Tensor) -> bool:
    """Whether it is."""
    return hasattr(x, "pinned")


def leaves(tree: Any) -> Iterator[Any]:
    """What tuples, lists and dictionaries hold."""
    if isinstance(tree, tuple | list | dict):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(part)
    else:
        yield tree


def changed(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same tuples, lists and dictionaries with all tensors changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if type(tree) is dict:
        return {key: changed(part, change) for key, part in tree.items()}
    if not isinstance(tree, tuple | list) or isinstance(tree, torch.Size):
        return tree
    parts = [changed(part, change) for part in tree]
    return tree._make(parts) if hasattr(tree, "_make") else type(tree)(parts)
