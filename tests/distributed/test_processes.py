"""How the processes of a training find each other, and wait for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import torch.distributed as dist

from audio_rnn.distributed import processes


def test_a_validation_of_hours_in_the_first_process_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that processes wait for each other has the limit that their group is made with."""
    made: dict[str, Any] = {}
    monkeypatch.setattr(processes, "meeting_place", dist.HashStore)
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **how: made.update(how))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert not processes.start("cpu").first
    assert made["world_size"] == 2 and made["rank"] == 1
    assert made["timeout"] > timedelta(hours=12)
