"""Where to compute."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from audio_rnn.errors import ConfigError


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """The device of that name; "auto" is this process's GPU if there is one, else the CPU.

    Raises: ConfigError.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device: torch.device | None
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device: found {name!r}, expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError(
                f"device: found {name!r}, but no NVIDIA GPU is usable; choose cpu or auto"
            )
        if device.index is not None and local_rank:
            raise ConfigError(
                f"device: found {name!r} for several processes, expected auto or cuda, by which each "
                "takes a GPU of its own"
            )
        device = torch.device("cuda", local_rank if device.index is None else device.index)
        if device.index >= (count := torch.cuda.device_count()):
            remedy = "; start as many processes as there are GPUs" if local_rank else ""
            raise ConfigError(
                f"device: found {device}, expected cuda:0 to cuda:{count - 1}{remedy}"
            )
        torch.cuda.set_device(device)
    return device


def sent(x: Tensor, device: torch.device) -> Tensor:
    """`x` on a device. From the CPU to a GPU neither waits for the other: the copy is from pinned
    memory, in line with the work that the GPU has still to do."""
    if device.type == "cuda" and not x.is_cuda:
        return x.pin_memory().to(device, non_blocking=True)
    return x.to(device)


class Later:
    """Numbers that a device will know: asked for now, to be read when it has gone on to others.

    Reading waits for what the device was given until now, and for nothing after it.
    """

    def __init__(self, x: Tensor) -> None:
        self.values = x.detach().to("cpu", non_blocking=True)
        self.event = torch.cuda.Event() if x.is_cuda else None
        if self.event is not None:
            self.event.record()

    def read(self) -> list[Any]:
        """The values."""
        if self.event is not None:
            self.event.synchronize()
        return self.values.tolist()
