"""How the processes of a training find each other, and wait for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import torch
import torch.distributed as dist

from audio_rnn.device import choose_device
from audio_rnn.distributed import processes
from audio_rnn.errors import ConfigError, TrainingError


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


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """NCCL refuses two on one, and then each would take the other for lost."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    assert choose_device("cuda", 1) == choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigError, match="device: found 'cuda:0' for several processes"):
        choose_device("cuda:0", 1)
    with pytest.raises(ConfigError, match="found cuda:2, expected cuda:0 to cuda:1; start as many"):
        choose_device("auto", 2)


def test_processes_that_cannot_meet_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(TrainingError, match=r"2 processes do not .*MASTER_ADDR.*start them by"):
        processes.start("cpu")


def test_what_torch_says_of_a_lost_process_is_told() -> None:
    said = "NCCL error:\nLast error:\nno route\nException raised from check at pg.cpp:1\nframe #0"
    with (
        pytest.raises(TrainingError, match=r"is lost; .*\(NCCL error: Last error: no route\)$"),
        processes.unbroken(),
    ):
        raise dist.DistBackendError(said)
