"""One thread a test process: tests run the same alone and beside other work."""

import os
import signal
import sys
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)
# A shell starts what runs in its background deaf to Ctrl-C, and that is handed on to processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What has passed passes again: the same examples, however slow the machine is. Others, in search of
# errors: pytest --hypothesis-profile random
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("random"), derandomize=True)
settings.load_profile("repeatable")

LONGEST = ("test_readme.py", "test_scale_document.py", "test_torchrun.py", "test_demos.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: of two processes none is to be left with one at the end."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="module")
def speechbrain_unseen() -> Iterator[None]:
    """Afterwards: SpeechBrain's modules that import others when they are looked at are gone; hypothesis
    looks at all that there are."""
    yield
    for name, module in [*sys.modules.items()]:
        if name.startswith("speechbrain") and type(module).__module__.startswith("speechbrain"):
            del sys.modules[name]
