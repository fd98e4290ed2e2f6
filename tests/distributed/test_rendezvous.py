"""Processes of one start meet, whatever those of an earlier start have left in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch.distributed as dist

from audio_rnn.distributed import rendezvous
from audio_rnn.distributed.rendezvous import meeting_place


def meet(monkeypatch: pytest.MonkeyPatch, store: dist.Store, world: int) -> list[str]:
    """Start so many processes, as threads; what each reads of what the first has written."""
    who = iter(range(world))
    monkeypatch.setattr(rendezvous, "rendezvous", lambda _: iter([(store, next(who), world)]))
    with ThreadPoolExecutor(world) as threads:
        places = [threads.submit(meeting_place) for _ in range(world)]
        found = [place.result(timeout=30) for place in places]
    found[0].set("greeting", str(id(found)))
    return [place.get("greeting").decode() for place in found]


def test_every_start_meets_in_a_place_of_its_own(tmp_path: Path, monkeypatch) -> None:
    store = dist.FileStore(str(tmp_path / "store"), -1)
    greetings = [meet(monkeypatch, store, world) for world in (3, 3, 2, 4)]
    assert all(len(set(some)) == 1 for some in greetings)
    assert len({some[0] for some in greetings}) == 4


def test_a_question_of_a_dead_process_stops_nobody(tmp_path: Path, monkeypatch) -> None:
    """It asked and died before it was answered."""
    store = dist.FileStore(str(tmp_path / "store"), -1)
    store.set("question/1", "of a dead process")
    assert len(set(meet(monkeypatch, store, 3))) == 1
