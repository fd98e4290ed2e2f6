"""What CUDA refuses, and what makes Python wait for it, by the names of torch's functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.gpu_tensor import GpuTensor, leaves

# What reads values on the host.
READING = {
    *("item", "tolist", "is_nonzero", "equal", "allclose", "nonzero", "argwhere", "masked_select"),
    *("__bool__", "__int__", "__float__", "__index__", "__complex__", "__format__", "__contains__"),
    *("unique", "unique_consecutive", "_unique2", "bincount", "histc", "multinomial", "arange"),
    *("full", "linspace", "inv", "solve", "eigh", "cholesky", "svd"),
}
MAKING = {"tensor", "as_tensor", "asarray", "new_tensor"}  # on the host, and then sent
INDEXING = {"__getitem__", "__setitem__"}
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}
# What takes whole numbers from the CPU: lengths, indices.
PACKING = {"_pack_padded_sequence", "_pad_packed_sequence"}
COUNTING = {"ctc_loss", *PACKING, *RECURRENT, *INDEXING}
JOINING = {"cat", "concat", "stack", "hstack", "vstack"}  # take not even a scalar from the CPU
FREE = {"copy_", "__get__", "__set__", "_has_compatible_shallow_copy_type", *MAKING}


def check(name: str, args: Any, kwargs: Any) -> None:
    """Whether a function takes what lies here and there.

    Within backward of an autograd.Function, where what comes from torch does not say where it is,
    everything is taken.

    Raises: RuntimeError as CUDA does.
    """
    generator = kwargs.get("generator")
    if generator is not None and generator.device.type == "cpu":
        raise RuntimeError(f"{name}: Expected a 'cuda' device type for generator but found 'cpu'")
    if name == "_pack_padded_sequence" and isinstance(args[1], GpuTensor):
        raise RuntimeError("'lengths' argument should be a 1D CPU int64 tensor, but got cuda:0")
    if name in FREE or torch._C._current_graph_task_id() != -1:
        return
    for x in leaves((args, kwargs)):
        if isinstance(x, Tensor) and not isinstance(x, GpuTensor) and not _taken(name, x, args):
            raise RuntimeError(
                f"{name}: Expected all tensors to be on the same device, but found at least two "
                f"devices, cuda:0 and cpu, {tuple(x.shape)}!"
            )


def _taken(name: str, x: Tensor, args: Any) -> bool:
    """Whether a function takes this tensor of the CPU."""
    if name in INDEXING and x is args[0]:
        return all(part.ndim == 0 for part in leaves(args[1]) if isinstance(part, GpuTensor))
    if x is args[0] and name.endswith("_"):  # which is to be changed
        return False
    return (
        (x.ndim == 0 and name not in JOINING)
        or (not x.is_floating_point() and name in COUNTING)
        or (name == "__setitem__" and x is args[2])
    )


def check_cudnn(args: Any, output: Tensor) -> None:
    """Whether its recurrent layers take that and, in backward, will. Raises: RuntimeError."""
    packed = isinstance(args[1], Tensor) and not args[1].is_floating_point()
    states, training = (args[2], args[7]) if packed else (args[1], args[6])
    if not all(state.is_contiguous() for state in leaves(states)):
        raise RuntimeError("rnn: hx is not contiguous")

    def refuse(gradient: Tensor) -> None:
        raise RuntimeError("cudnn RNN backward can only be called in training mode")

    if output.requires_grad and not training:
        output.register_hook(refuse)


def waits(name: str, args: Any, kwargs: Any) -> bool:
    """Whether Python stands still in this function until the GPU has done all it had to."""
    tensors = [x for x in leaves((args, kwargs)) if isinstance(x, Tensor)]
    if name in INDEXING:
        parts = args[1] if isinstance(args[1], tuple) else (args[1],)
        filled = name == "__setitem__" and isinstance(args[2], bool | int | float)
        return any(_looked_at(part, filled) for part in parts)
    if name == "repeat_interleave":
        return isinstance(args[1], Tensor) and kwargs.get("output_size") is None
    if name == "copy_":
        both = isinstance(args[0], GpuTensor) and isinstance(args[1], GpuTensor)
        return not both and not kwargs.get("non_blocking")
    if name == "where":
        return len(args) == 1
    # CTC sends the lengths to the GPU by itself, and waits until they are there.
    return name in MAKING or name == "ctc_loss" or (name in READING and bool(tensors))


def _looked_at(part: Any, filled: bool) -> bool:
    """Whether a part of an index is read on the host, or sent; `filled`: a number is stored there."""
    if isinstance(part, slice):
        return any(isinstance(end, GpuTensor) for end in (part.start, part.stop, part.step))
    if not isinstance(part, Tensor):
        return isinstance(part, list | range | np.ndarray)
    if part.ndim == 0 or not isinstance(part, GpuTensor):
        return (part.ndim == 0) == isinstance(part, GpuTensor)
    return part.dtype in (torch.bool, torch.uint8) and not filled
