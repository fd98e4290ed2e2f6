"""The random generators of a process: torch's on every device, NumPy's and Python's.

Those of the processes that read data are not kept: reading draws nothing. The order of items comes
from seed and epoch alone, and augmentation draws in the training process.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

NUMPY_SEEDS = 1 << 32


def seed_all(seed: int) -> None:
    """Begin anew."""
    torch.manual_seed(seed)
    np.random.seed(seed % NUMPY_SEEDS)
    random.seed(seed)


def random_state() -> dict[str, Any]:
    """Tensors and plain values that `set_random_state` goes on from."""
    version, words, gauss = random.getstate()
    numpy = np.random.get_state(legacy=False)
    keys = torch.from_numpy(numpy["state"]["key"].astype(np.int64))
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": {**numpy, "state": {**numpy["state"], "key": keys}},
        "python": [version, torch.tensor(words), gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Go on from `random_state`."""
    torch.set_rng_state(state["cpu"])
    for device, own in zip(
        range(torch.cuda.device_count()), state["cuda"]
    ):  # of fewer, if there are
        torch.cuda.set_rng_state(own, device)
    numpy = state["numpy"]
    keys = numpy["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": keys}})
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
