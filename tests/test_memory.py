"""Memory is given back to the system."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from audio_rnn.memory import give_back


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [bytearray(8_000) for _ in range(20_000)]
    kept = pieces[::10]
    del pieces
    held = resident()
    give_back()
    assert held - resident() > 50_000_000 and len(kept) == 2_000
