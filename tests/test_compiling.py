"""Compiling is said, and only when it has to be done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import numpy as np
from audio_rnn.decoding.beam.trie import child
child(np.array([1, 1], np.int32), np.array([-1], np.int32), 0, 1)
child(np.array([1, 1]), np.array([-1]), 0, 1)
"""


def test_compiling_is_said_once_and_not_when_it_was_done_before(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[1],
            env=environment,
        ).stderr
        for _ in range(2)
    ]
    assert said[0].startswith("compiling inner loops for this machine") and said[0].count("\n") == 1
    assert said[1] == ""
