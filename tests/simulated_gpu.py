"""A GPU that is not there: CPU tensors that say they are on it, and fail or wait as they would there.

What runs under `simulated_gpu` meets the errors of tensors on two devices, of arrays made from a GPU's
memory, of random generators of the CPU, and of cuDNN's recurrent layers; every time that Python waits
for the GPU is written down. Kernels are those of the CPU; backward of an autograd.Function is not looked
at.
"""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
OUTSIDE = (str(Path(torch.__file__).parent), __file__)  # whose lines are not those that wait

# What reads values on the host, by name of the function.
READING = {
    *(
        "item",
        "tolist",
        "__bool__",
        "__int__",
        "__float__",
        "__index__",
        "__complex__",
        "__format__",
    ),
    *("__contains__", "is_nonzero", "equal", "allclose", "nonzero", "argwhere", "masked_select"),
    *("unique", "unique_consecutive", "_unique2", "bincount", "histc", "multinomial", "arange"),
    *("full", "linspace", "inv", "solve", "eigh", "cholesky", "svd"),
}
MAKING = {"tensor", "as_tensor", "asarray", "new_tensor"}  # on the host, and then sent
# What takes whole numbers from the CPU: lengths, indices.
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}
NUMBERS_OF_CPU = {"ctc_loss", "_pack_padded_sequence", "_pad_packed_sequence", *RECURRENT}
INDEXING = {"__getitem__", "__setitem__"}
UNCHECKED = {"copy_", "__get__", "__set__", "_has_compatible_shallow_copy_type"}
JOINING = {"cat", "concat", "stack", "hstack", "vstack"}  # take no scalar of the CPU either


class GpuTensor(torch.Tensor):
    """In the memory of the CPU, though it says otherwise."""

    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")

    __array__ = numpy

    def __deepcopy__(self, memo: Any) -> Tensor:
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        copied._is_param = isinstance(self, nn.Parameter)  # type: ignore[attr-defined]
        return copied

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if self.ndim == 0 else repr(self)


@dataclass(frozen=True)
class Wait:
    """A place where Python stood still until the GPU had done all it had to."""

    what: str
    where: str  # file:line
    line: str


class SimulatedGpu(TorchFunctionMode):
    """Takes what is asked of the GPU, and `waits` for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Wait] = []
        self.coming: list[tuple[Tensor, Tensor]] = []  # copies to the CPU that nobody waited for

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name, kwargs = getattr(func, "__name__", ""), dict(kwargs or {})
        if name in ("to", "cpu", "cuda", "type_as"):
            return self._move(name, *args, **kwargs)
        if name == "pin_memory":
            return _marked(args[0].clone())
        if name == "is_pinned":
            return hasattr(args[0], "pinned")
        if name == "__set__" and func.__self__.__name__ == "data":  # type: ignore[attr-defined]
            return _moved_in_place(*args)
        tensors = [x for x in _leaves((args, kwargs)) if isinstance(x, Tensor)]
        given = kwargs.get("device") and torch.device(kwargs["device"])
        there = any(isinstance(x, GpuTensor) for x in tensors)
        if there or (given and given.type == "cuda"):
            self._check(name, tensors, given or CUDA, args, kwargs)
            self._note(name, args, kwargs, tensors)
        if given and given.type == "cuda":
            kwargs["device"], there = CPU, True
        elif given or (name == "tensor" and not isinstance(args[0], Tensor)):
            there = False
        if there and isfunction(func) and name != "backward":  # whose parts are not seen here
            with _OnCpu():
                result = func(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        if name in RECURRENT and there and torch.backends.cudnn.enabled:
            _as_cudnn(args, result[0])
        if name == "_pack_padded_sequence" and there:
            return _on_gpu(result[0]), result[1]  # how many sequences go on stays on the CPU
        return _over(result, _on_gpu) if there else result

    def _move(self, name: str, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """To another device, type, or both."""
        here, target, dtype = x.device, {"cpu": CPU, "cuda": CUDA}.get(name), kwargs.get("dtype")
        later = kwargs.get("non_blocking", False)
        for value in (*args, kwargs.get("device"), kwargs.get("other")):
            if isinstance(value, Tensor):
                target, dtype = value.device, value.dtype
            elif isinstance(value, torch.dtype):
                dtype = value
            elif isinstance(value, bool):
                later = value
            elif value is not None and name == "to":
                target = torch.device(value)
        target, moved = target or here, x.to(dtype or x.dtype, copy=kwargs.get("copy", False))
        if target.type == here.type:
            return _on_gpu(moved) if x.is_cuda else moved
        moved = _plain(moved.clone())
        if target.type == "cuda":
            if not (later and hasattr(x, "pinned")):
                self.wait(f"{name} the GPU")
            return _on_gpu(moved)
        if not later:
            self.wait(f"{name} the CPU")
            return moved
        arriving = torch.full_like(moved, torch.nan if moved.is_floating_point() else 77)
        self.coming.append((arriving, moved))
        return _marked(arriving)

    def _check(
        self, name: str, tensors: list[Tensor], device: torch.device, args: Any, kwargs: Any
    ) -> None:
        """Raises: RuntimeError as CUDA does."""
        generator = kwargs.get("generator")
        if generator is not None and generator.device.type == "cpu" and device.type == "cuda":
            raise RuntimeError(
                f"{name}: Expected a 'cuda' device type for generator but found 'cpu'"
            )
        if name == "_pack_padded_sequence" and isinstance(args[1], GpuTensor):
            raise RuntimeError("'lengths' argument should be a 1D CPU int64 tensor, but got cuda:0")
        if torch._C._current_graph_task_id() != -1 or name in UNCHECKED:
            return
        changed = tensors[:1] if name.endswith("_") and name not in INDEXING else []
        for x in tensors:
            scalar = x.ndim == 0 and name not in JOINING and not any(x is y for y in changed)
            number = not x.is_floating_point() and name in NUMBERS_OF_CPU | INDEXING
            filled = name == "__setitem__" and x is args[2]
            if not (isinstance(x, GpuTensor) or scalar or number or filled or name in MAKING):
                raise RuntimeError(
                    f"{name}: Expected all tensors to be on the same device, but found at least two "
                    f"devices, cuda:0 and cpu, {tuple(x.shape)}!"
                )

    def _note(self, name: str, args: Any, kwargs: Any, tensors: list[Tensor]) -> None:
        """Wait, if this function does."""
        counts = name == "repeat_interleave" and kwargs.get("output_size") is None
        copies = name == "copy_" and not all(isinstance(x, GpuTensor) for x in tensors[:2])
        if (
            (name in READING and tensors)
            or name in MAKING
            or (name == "where" and len(args) == 1)
            or (counts and len(args) > 1 and isinstance(args[1], Tensor))
            or (copies and not kwargs.get("non_blocking"))
            or name == "ctc_loss"  # sends the lengths by itself, and waits until they are there
            or (name in INDEXING and _reads(args[1], name == "__setitem__" and args[2]))
        ):
            self.wait(name)

    def wait(self, what: str) -> None:
        """Note the line outside torch that does."""
        for arriving, values in self.coming:
            arriving.data.copy_(values)
        self.coming.clear()
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_filename.startswith(OUTSIDE):
            frame = frame.f_back
        file, number = frame.f_code.co_filename, frame.f_lineno
        self.waits.append(Wait(what, f"{file}:{number}", linecache.getline(file, number).strip()))


def _as_cudnn(args: Any, output: Tensor) -> None:
    """What its recurrent layers refuse. Raises: RuntimeError."""
    packed = isinstance(args[1], Tensor) and not args[1].is_floating_point()
    states, training = (args[2], args[7]) if packed else (args[1], args[6])
    if not all(state.is_contiguous() for state in _leaves(states)):
        raise RuntimeError("rnn: hx is not contiguous")

    def refuse(gradient: Tensor) -> None:
        raise RuntimeError("cudnn RNN backward can only be called in training mode")

    if output.requires_grad and not training:
        output.register_hook(refuse)


class _OnCpu(TorchDispatchMode):
    """Makes on the CPU what is to be made on the GPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("device") is not None:
            kwargs["device"] = CPU
        return func(*args, **kwargs)


def _reads(index: Any, value: Any) -> bool:
    """Whether an index is looked at on the host, or sent to the GPU. `value` is what is stored."""
    for part in _leaves(index if isinstance(index, tuple) else (index,), into=tuple):
        if isinstance(part, slice):
            if any(isinstance(end, GpuTensor) for end in (part.start, part.stop, part.step)):
                return True
        elif isinstance(part, list | range):
            return True
        elif isinstance(part, Tensor):
            mask = part.dtype in (torch.bool, torch.uint8)
            filled = mask and isinstance(value, int | float) and value is not False
            if not isinstance(part, GpuTensor) or part.ndim == 0 or (mask and not filled):
                return not (part.ndim == 0 and not isinstance(part, GpuTensor))
    return False


def _leaves(tree: Any, into: Any = (tuple, list, dict)) -> Iterator[Any]:
    """What lists, tuples and dictionaries hold."""
    if isinstance(tree, into):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(part, into)
    else:
        yield tree


def _over(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same lists and tuples with all tensors changed."""
    if isinstance(tree, Tensor):
        return change(tree)
    if type(tree) is dict:
        return {key: _over(part, change) for key, part in tree.items()}
    if isinstance(tree, list) or type(tree) is tuple:
        return type(tree)(_over(part, change) for part in tree)
    if isinstance(tree, tuple) and any(isinstance(part, Tensor) for part in tree):
        parts = [_over(part, change) for part in tree]
        return tree._make(parts) if hasattr(tree, "_make") else type(tree)(parts)
    return tree


def _on_gpu(x: Tensor) -> Tensor:
    return x if isinstance(x, GpuTensor) else x.as_subclass(GpuTensor)


def _plain(x: Tensor) -> Tensor:
    return x.as_subclass(torch.Tensor)


def _moved_in_place(x: Tensor, data: Tensor) -> None:
    """`x.data = data`, by which a module moves its parameters: they stay the same objects."""
    with torch._C.DisableTorchFunction():
        x.data = _plain(data)
    if data.is_cuda != x.is_cuda:
        kind = nn.Parameter if isinstance(x, nn.Parameter) else Tensor
        x.__class__ = GpuTensor if data.is_cuda else kind  # type: ignore[assignment]
        x._is_param = kind is nn.Parameter  # type: ignore[attr-defined]


def _marked(x: Tensor) -> Tensor:
    x.pinned = True  # type: ignore[attr-defined]
    return x


@contextmanager
def simulated_gpu() -> Iterator[SimulatedGpu]:
    """Within: there is one GPU, in all threads."""
    gpu, run, autocast = SimulatedGpu(), threading.Thread.run, torch.autocast

    def run_with_gpu(thread: threading.Thread) -> None:
        with gpu:
            run(thread)

    def autocast_on_cpu(device_type: str, *args: Any, **kwargs: Any) -> Any:
        return autocast("cpu", *args, **kwargs)

    class Event:
        """In the one stream there is."""

        def __init__(self, **kwargs: Any) -> None: ...
        def record(self, stream: Any = None) -> None: ...
        def query(self) -> bool:
            return False

        def synchronize(self) -> None:
            gpu.wait("Event.synchronize")

    known: dict[str, Any] = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "is_bf16_supported": lambda *args: True,
        "is_current_stream_capturing": lambda: False,
        "set_device": lambda device: None,
        "synchronize": lambda device=None: gpu.wait("synchronize"),
        "max_memory_allocated": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
        "get_device_name": lambda device=None: "simulated GPU",
        "get_rng_state_all": lambda: [torch.zeros(16, dtype=torch.uint8)],
        "set_rng_state": lambda state, device=0: None,
        "Event": Event,
    }
    by_kind = torch._C._group_tensors_by_device_and_dtype

    def grouped(lists: list[list[Any]], *args: Any) -> Any:
        where = CUDA if any(isinstance(x, GpuTensor) for x in lists[0]) else CPU
        return {(where, kind[1]): found for kind, found in by_kind(lists, *args).items()}

    with ExitStack() as stack:
        stack.enter_context(patch.multiple(torch.cuda, **known))
        stack.enter_context(patch.object(torch._C, by_kind.__name__, grouped))
        stack.enter_context(patch.object(torch, "autocast", autocast_on_cpu))
        stack.enter_context(patch.object(threading.Thread, "run", run_with_gpu))
        stack.enter_context(patch.object(torch.backends.cudnn, "is_acceptable", lambda x: False))
        stack.enter_context(gpu)
        yield gpu
