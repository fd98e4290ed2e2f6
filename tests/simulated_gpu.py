"""A GPU that is not there: CPU tensors that say they are on it, and fail or wait as they would there.

What runs under `simulated_gpu` meets the errors of tensors on two devices, of arrays made from a GPU's
memory, of random generators of the CPU, and of cuDNN's recurrent layers; every time that Python waits
for the GPU is written down. Kernels are those of the CPU.
"""

from __future__ import annotations

import linecache
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests import gpu_tensor
from tests.gpu_rules import PACKING, RECURRENT, check, check_cudnn, waits
from tests.gpu_tensor import (
    CPU,
    CUDA,
    GpuTensor,
    changed,
    is_pinned,
    leaves,
    move_in_place,
    on_cpu,
    on_gpu,
    pinned,
)

# Whose lines are not those that wait
OUTSIDE = (str(Path(torch.__file__).parent), __file__, gpu_tensor.__file__)


@dataclass(frozen=True)
class Wait:
    """A place where Python stood still until the GPU had done all it had to."""

    what: str
    where: str  # file:line
    line: str


class SimulatedGpu(TorchFunctionMode):
    """Takes what is asked of the GPU, and notes who `waits` for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Wait] = []
        self.coming: list[tuple[Tensor, Tensor]] = []  # copies to the CPU that nobody waited for
        self.warns = False  # of all that waits but for what is asked to
        self.random = torch.get_rng_state()  # of its own generator

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Within: what is drawn comes from the GPU's generator, and leaves the CPU's as it is."""
        kept = torch.get_rng_state()
        torch.set_rng_state(self.random)
        try:
            yield
        finally:
            self.random = torch.get_rng_state()
            torch.set_rng_state(kept)

    def seed(self, seed: int) -> None:
        """Begin its generator anew."""
        self.random = torch.Generator().manual_seed(seed).get_state()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name, kwargs = getattr(func, "__name__", ""), dict(kwargs or {})
        if name in ("to", "cpu", "cuda", "type_as"):
            return self._move(name, *args, **kwargs)
        if name == "pin_memory":
            return pinned(args[0].clone())
        if name == "is_pinned":
            return is_pinned(args[0])
        if name == "__set__" and func.__self__.__name__ == "data":  # type: ignore[attr-defined]
            return move_in_place(*args)
        return self._call(func, name, args, kwargs)

    def _call(self, func: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
        given = torch.device(kwargs["device"]).type if kwargs.get("device") else None
        there = any(isinstance(x, GpuTensor) for x in leaves((args, kwargs)))
        if there or given == "cuda":
            check(name, args, kwargs)
            if waits(name, args, kwargs):
                self.wait(name)
        if given == "cuda":
            kwargs["device"] = CPU
        if given or (name == "tensor" and not isinstance(args[0], Tensor)):
            there = given == "cuda"
        if not there:
            return func(*args, **kwargs)
        with _on_cpu(func), self._drawing():
            result = func(*args, **kwargs)
        if name in RECURRENT and torch.backends.cudnn.enabled:
            check_cudnn(args, result[0])
        if name in PACKING:
            return on_gpu(result[0]), result[1]  # lengths stay on the CPU
        return changed(result, on_gpu)

    def _move(self, name: str, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """To another device, type, or both."""
        device, dtype = {"cpu": CPU, "cuda": CUDA}.get(name, x.device), kwargs.get("dtype")
        later = kwargs.get("non_blocking", False)
        for value in (*args, kwargs.get("device"), kwargs.get("other")):
            if isinstance(value, Tensor):
                device, dtype = value.device, value.dtype
            elif isinstance(value, torch.dtype):
                dtype = value
            elif isinstance(value, bool):
                later = value
            elif value is not None and name == "to":
                device = torch.device(value)
        moved = x.to(dtype or x.dtype, copy=kwargs.get("copy", False))
        if device.type == x.device.type:
            return on_gpu(moved) if x.is_cuda else moved
        return self._copy(name, on_cpu(moved.clone()), device, later, is_pinned(x))

    def _copy(
        self, name: str, x: Tensor, device: torch.device, later: bool, from_pinned: bool
    ) -> Tensor:
        """A copy on the other device, which comes later if nobody has to wait for it."""
        if device.type == "cuda":
            if not (later and from_pinned):
                self.wait(f"{name} the GPU")
            return on_gpu(x)
        if not later:
            self.wait(f"{name} the CPU")
            return x
        arriving = torch.full_like(x, torch.nan if x.is_floating_point() else 77)
        self.coming.append((arriving, x))
        return pinned(arriving)

    def wait(self, what: str) -> None:
        """Note the line outside torch that does."""
        for arriving, values in self.coming:
            arriving.data.copy_(values)
        self.coming.clear()
        if self.warns and not what.endswith("synchronize"):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_filename.startswith(OUTSIDE):
            frame = frame.f_back
        file, number = frame.f_code.co_filename, frame.f_lineno
        self.waits.append(Wait(what, f"{file}:{number}", linecache.getline(file, number).strip()))


class _OnCpu(TorchDispatchMode):
    """Makes on the CPU what is to be made on the GPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("device") is not None:
            kwargs["device"] = CPU
        return func(*args, **kwargs)


def _on_cpu(func: Callable[..., Any]) -> ExitStack:
    """For functions in Python, whose own calls are not seen; backward takes long enough without."""
    stack = ExitStack()
    if isfunction(func) and func.__name__ != "backward":
        stack.enter_context(_OnCpu())
    return stack


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

    class Stream:
        """Beside the one there is, which is done with each call before the next."""

        def __init__(self, device: Any = None) -> None: ...
        def wait_stream(self, stream: Any) -> None: ...

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
        "manual_seed_all": gpu.seed,
        "get_rng_state_all": lambda: [gpu.random.clone()],
        "set_rng_state": lambda state, device=0: setattr(gpu, "random", state.clone()),
        "set_sync_debug_mode": lambda mode: setattr(gpu, "warns", mode == "warn"),
        "Event": Event,
        "Stream": Stream,
        "stream": nullcontext,
        "current_stream": Stream,
    }
    by_kind = torch._C._group_tensors_by_device_and_dtype

    def grouped(lists: list[list[Any]], *args: Any) -> Any:
        where = CUDA if any(isinstance(x, GpuTensor) for x in lists[0]) else CPU
        return {(where, kind[1]): found for kind, found in by_kind(lists, *args).items()}

    with ExitStack() as stack:
        stack.enter_context(patch.multiple(torch.cuda, **known))
        stack.enter_context(patch.object(torch._C, by_kind.__name__, grouped))
        stack.enter_context(patch.object(torch, "autocast", autocast_on_cpu))
        stack.enter_context(patch.object(Tensor, "record_stream", lambda x, stream: None))
        stack.enter_context(patch.object(threading.Thread, "run", run_with_gpu))
        stack.enter_context(patch.object(torch.backends.cudnn, "is_acceptable", lambda x: False))
        stack.enter_context(gpu)
        yield gpu
