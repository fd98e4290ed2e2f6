"""Piano rolls: files, batches of whole pieces, transposition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.data.rolls import (
    KEYS,
    Roll,
    RollBatchConfig,
    RollBatches,
    collate,
    read_rolls,
    transpose,
    write_rolls,
)
from audio_rnn.errors import MusicError


def random_roll(frames: int, voices: int = 1, seed: int = 0) -> Roll:
    random = np.random.default_rng(seed)
    roll = np.zeros((frames, voices, KEYS), np.uint8)
    roll[..., 20:60] = random.random((frames, voices, 40)) < 0.1
    return roll


ROLLS = {f"r{n}": random_roll(3 + 5 * n % 17, seed=n) for n in range(12)}


@pytest.mark.parametrize("voices", [1, 4])
def test_a_file_gives_back_what_was_written(tmp_path: Path, voices: int) -> None:
    rolls = {f"piece {n}": random_roll(n + 1, voices, n) for n in range(5)}
    write_rolls(tmp_path / "r.npz", rolls)
    found = read_rolls(tmp_path / "r.npz")
    assert list(found) == list(rolls)
    assert all(np.array_equal(found[name], rolls[name]) for name in rolls)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive", None])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MusicError, match=r"broken\.npz: cannot be read.*prepare script"):
        read_rolls(path)


def test_an_archive_of_other_arrays_or_cut_short_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", notes=np.zeros(3))
    write_rolls(tmp_path / "cut.npz", ROLLS)
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("other.npz", "cut.npz"):
        with pytest.raises(MusicError, match=name):
            read_rolls(tmp_path / name)


def test_a_frame_is_told_from_the_one_before_and_the_first_from_silence() -> None:
    batch = collate({"a": random_roll(6), "b": random_roll(3, seed=1)})
    assert not batch.before[:, 0].any()
    assert torch.equal(batch.before[:, 1:], batch.frames[:, :-1])
    assert batch.lengths.tolist() == [6, 3] and batch.total == 9
    assert not batch.frames[1, 3:].any()


def test_pieces_cover_a_batch_once() -> None:
    batch = collate(ROLLS)
    pieces = list(batch.pieces(4))
    assert torch.equal(torch.cat([piece.frames for piece in pieces], 1), batch.frames)
    assert sum(piece.total for piece in pieces) == batch.total
    assert [piece.start for piece in pieces] == list(range(0, batch.frames.shape[1], 4))
    assert len({id(piece.carry) for piece in pieces}) == 1


def test_an_epoch_holds_each_piece_once_and_resumes_in_the_middle() -> None:
    batches = RollBatches(ROLLS, RollBatchConfig(frames=30, transpose=5))
    whole = list(batches.epoch(2))
    assert sorted(name for batch in whole for name in batch.ids) == sorted(ROLLS)
    rest = list(batches.epoch(2, start=2))
    assert [batch.ids for batch in rest] == [batch.ids for batch in whole[2:]]
    assert all(torch.equal(a.frames, b.frames) for a, b in zip(rest, whole[2:], strict=True))


def test_processes_share_what_one_would_take() -> None:
    config = RollBatchConfig(frames=40, transpose=3)
    alone = list(RollBatches(ROLLS, config).epoch(1))
    shares = [list(RollBatches(ROLLS, config, rank=rank, world=2).epoch(1)) for rank in (0, 1)]
    for one, *parts in zip(alone, *shares, strict=True):
        assert sum(float(part.weights.sum()) for part in parts) == one.total
        assert {part.total for part in parts} == {one.total}


def test_only_training_epochs_are_transposed_each_in_its_own_way() -> None:
    batches = RollBatches(ROLLS, RollBatchConfig(frames=10_000, transpose=6))

    def lowest(epoch: int) -> dict[str, int]:
        (batch,) = batches.epoch(epoch)
        keys = batch.frames.flatten(1, 2).any(dim=1).int().argmax(dim=1)
        return dict(zip(batch.ids, keys.tolist()))

    original = {name: int(np.flatnonzero(r.any((0, 1)))[0]) for name, r in ROLLS.items()}
    assert lowest(0) == original
    assert lowest(1) != original and lowest(1) != lowest(2) and lowest(1) == lowest(1)


@settings(max_examples=60)
@given(
    keys=st.lists(st.integers(0, KEYS - 1), max_size=4),
    most=st.integers(0, KEYS - 1),
    seed=st.integers(0, 99),
)
def test_transposing_keeps_all_intervals(keys: list[int], most: int, seed: int) -> None:
    roll = np.zeros((max(1, len(keys)), 1, KEYS), np.uint8)
    for frame, key in enumerate(keys):
        roll[frame, 0, key] = 1
    moved = transpose(roll, most, np.random.default_rng(seed))
    shifts = {int(moved[frame, 0].argmax()) - key for frame, key in enumerate(keys)}
    assert moved.sum() == len(keys) and len(shifts) <= 1
    assert all(abs(shift) <= most for shift in shifts)
