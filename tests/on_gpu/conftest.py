"""The GPU of these tests: simulated everywhere, and the real one as well where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch

from tests.simulated_gpu import simulated_gpu

Gpu = Callable[[], AbstractContextManager[object]]


@contextmanager
def real_gpu() -> Iterator[None]:
    """Within: it computes with all digits, as the CPU does."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


GPUS: dict[str, Gpu] = {"simulated": simulated_gpu}
if torch.cuda.is_available():
    GPUS["real"] = real_gpu


@pytest.fixture(params=GPUS)
def gpu(request: pytest.FixtureRequest) -> Gpu:
    """Within: there is one."""
    return GPUS[request.param]
